"""Decisions, messages, control groups, suppressions and switches; the control groups' ledger refuses changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# A row of the ledger goes with the person who is erased, and for no other reason.
_UNLESS_ERASED = "NOT EXISTS (SELECT 1 FROM erasures WHERE erasures.person = OLD.person)"
_SQLITE = (
    "CREATE TRIGGER arms_stay BEFORE UPDATE ON arms BEGIN SELECT RAISE(ABORT, 'arms are never changed'); END",
    f"CREATE TRIGGER arms_remain BEFORE DELETE ON arms WHEN {_UNLESS_ERASED} "
    "BEGIN SELECT RAISE(ABORT, 'arms are never removed'); END",
)
_POSTGRESQL = (
    "CREATE FUNCTION arms_stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"IF TG_OP = 'UPDATE' OR {_UNLESS_ERASED} THEN RAISE EXCEPTION 'arms are never changed or removed'; END IF; "
    "RETURN OLD; END $$",
    "CREATE TRIGGER arms_stay BEFORE UPDATE OR DELETE ON arms FOR EACH ROW EXECUTE FUNCTION arms_stay()",
)


def upgrade() -> None:
    """Make the tables."""
    _decided()
    _to_send()
    _lists()
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if is_sqlite else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in ("arms", "erasures", "outcomes", "switches", "suppressions", "attempts", "messages", "decisions"):
        op.drop_table(table)
    op.drop_table("runs")
    if not is_sqlite:
        op.execute("DROP FUNCTION arms_stay()")


def _decided() -> None:
    op.create_table(
        "runs",
        sa.Column("seq", _BIG, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.Text, nullable=False, unique=True),
        sa.Column("idempotency_key", sa.Text, unique=True),
        *_texts("request_digest", "policy_version", "policy_json", "shop_json", "model_version", "answer_json"),
        *_instants("as_of_us", "created_us", "received_seq"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text, primary_key=True),
        *_texts("customer_id", "person", "arm", "content_json"),
        *_instants("run_seq", "as_of_us"),
        sa.Column("action", sa.Text),
        sa.Column("gate", sa.Text),
        sa.Column("propensity", sa.Float),
    )
    for column in ("run_seq", "customer_id", "person"):
        op.create_index(f"ix_decisions_{column}", "decisions", [column])
    op.create_table(
        "arms",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("holdout_version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("in_control", sa.Boolean, nullable=False),
        *_instants("since_us"),
    )


def _to_send() -> None:
    op.create_table(
        "messages",
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("touch_key", sa.Text, nullable=False, unique=True),
        *_texts("decision_id", "customer_id", "person", "action", "intent", "channel", "destination", "state"),
        *_texts("payload_json"),
        *_instants("created_us", "send_after_us", "expires_at_us", "next_attempt_us"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease_token", sa.BigInteger, nullable=False, server_default="0"),
        *(sa.Column(name, sa.Text) for name in ("lease_owner", "reason")),
        *(sa.Column(name, sa.BigInteger) for name in ("lease_until_us", "claimed_us", "sent_us")),
    )
    op.create_index("ix_messages_person", "messages", ["person"])
    op.create_index("messages_due", "messages", ["destination", "state", "next_attempt_us"])
    op.create_table(
        "attempts",
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("lease_token", sa.BigInteger, primary_key=True, autoincrement=False),
        *_texts("owner"),
        *_instants("started_us"),
        sa.Column("ended_us", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("status", sa.Integer),
    )


def _lists() -> None:
    op.create_table(
        "suppressions",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("person", "channel", "reason")),
        *_instants("since_us"),
        *_texts("source"),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("is_stopped", sa.Boolean, nullable=False),
        *_texts("reason"),
        *_instants("changed_us"),
    )
    op.create_table(
        "outcomes",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("provider", "provider_id")),
        sa.Column("message_id", sa.Text),
        *_texts("kind"),
        *_instants("occurred_us", "received_us"),
    )
    op.create_table(
        "erasures",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("receipt_id", sa.Text, nullable=False, unique=True),
        *_instants("asked_us"),
        *_texts("receipt_json"),
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _instants(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]
