"""Six months of the demo shop with the loop and without it, through the real parts, in a folder of its own."""
