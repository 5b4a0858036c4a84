"""Copies of a home that a restore can trust: made under load, checked, pruned, brought back."""
