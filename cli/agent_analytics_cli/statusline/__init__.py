"""The line for an agent's status line, which has 100 ms."""
