"""The DuckDB file: lease, migrations, loader and publisher."""
