"""The durable inbox: what is acknowledged is on disk here first."""
