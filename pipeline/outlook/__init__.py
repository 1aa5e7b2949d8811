"""What customers are worth, when they order next and what contacting them pays, measured at the test cutoff."""
