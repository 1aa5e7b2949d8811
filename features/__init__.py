"""What was known about each customer strictly before a cutoff, as columns."""
