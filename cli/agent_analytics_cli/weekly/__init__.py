"""The weekly report: a week beside the one before, as Markdown or as one HTML file."""
