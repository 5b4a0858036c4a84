"""The five views of `dashboards/` in the terminal."""
