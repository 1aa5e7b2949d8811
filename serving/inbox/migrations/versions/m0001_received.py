"""The received rows, and an id that tells one inbox from another."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Make both tables."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "received",
        sa.Column("seq", big, primary_key=True, autoincrement=True),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("known_at_us", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.UniqueConstraint("sort", "id", name="received_once"),
        sqlite_autoincrement=True,
    )
    inbox = op.create_table("inbox", sa.Column("inbox_id", sa.Text, primary_key=True))
    op.bulk_insert(inbox, [{"inbox_id": uuid.uuid4().hex}])


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("inbox")
    op.drop_table("received")
