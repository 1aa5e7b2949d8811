"""The kinds of destination: each delivers letters and says of each what came of it."""
