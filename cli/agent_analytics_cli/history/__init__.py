"""Histories of followed repositories: commits, what of them is alive, who wrote which lines."""
