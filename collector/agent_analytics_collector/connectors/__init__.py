"""Vendors' usage APIs, one module each: from a period to records that our own API takes."""
