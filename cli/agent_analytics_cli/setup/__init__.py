"""What `init` and `uninstall` do, as a library: what will change, then the change."""
