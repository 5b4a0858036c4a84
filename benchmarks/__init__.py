"""What the collector costs, always beside a baseline of the same run: `python -m benchmarks`."""
