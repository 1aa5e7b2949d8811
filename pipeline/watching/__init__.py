"""Today beside training: what moved, how good the scores should be, and what became of those whose horizon is over."""
