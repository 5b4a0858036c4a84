"""Reading over REST: the five views, usage, and what is one's own."""
