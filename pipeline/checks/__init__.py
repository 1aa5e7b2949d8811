"""What `check` does to raw tables: parse, refuse with a reason, remove repeats, turn invoice lines into orders."""
