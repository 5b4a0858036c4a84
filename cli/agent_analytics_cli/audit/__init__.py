"""Where a number comes from, down to the records received."""
