"""Indexes for what the endpoint asks: a customer's rows, and when the last of all became known."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("received_by_customer", "received", ["customer_id"])
    op.create_index("received_by_time", "received", ["known_at_us"])


def downgrade() -> None:
    """Drop the indexes."""
    op.drop_index("received_by_time", "received")
    op.drop_index("received_by_customer", "received")
