"""Secrets, card numbers and home folders taken out of what is stored."""
