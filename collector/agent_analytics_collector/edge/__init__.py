"""Between the network and the collector: who may reach it, how fast, and what it saw."""
