"""Sends the messages of the outbox: claimed after all gates again, delivered once, or known to be in doubt."""
