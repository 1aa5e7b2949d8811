"""One module per kind of source; each turns a shop's data into raw tables."""
