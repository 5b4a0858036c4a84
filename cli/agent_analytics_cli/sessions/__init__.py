"""Importing agents' session files: what is new, reading in parallel, delivering, watching."""
