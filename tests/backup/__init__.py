"""Backups, restores and recovery."""
