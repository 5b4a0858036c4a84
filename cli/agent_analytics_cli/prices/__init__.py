"""What is known of prices, which models lack one, and what a recomputation would change."""
