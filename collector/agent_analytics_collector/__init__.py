"""The collector: OTLP receiver, spool, loader and publisher. Runs without the CLI."""
