"""Did it pay: what the committed decisions changed, and who answers to what."""
