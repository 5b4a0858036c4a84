"""The HTTP API of the collector."""
