"""Alembic's migrations of the inbox, run through `serving.inbox.database`."""
