"""The tables of decisions and messages, beside `received` in one database; instants are int64 µs UTC, `*_json` is JSON.

A message goes pending → leased → sent, or to retry, dead, cancelled, expired; unknown: it may have arrived, and is
never sent again by itself. `person` is a keyed hash of the customer's id (person.py), so it can outlive an erasure.
"""

from __future__ import annotations

from typing import Literal, get_args

import sqlalchemy as sa

State = Literal["pending", "leased", "sent", "retry", "dead", "cancelled", "expired", "unknown"]
STATES: tuple[State, ...] = get_args(State)
# Still to be sent, perhaps: one such message per person at a time.
OPEN: tuple[State, ...] = ("pending", "leased", "retry")
# Counts against the caps: it went out, may have, or is about to.
COUNTED: tuple[State, ...] = ("leased", "sent", "unknown")
EVERY_CHANNEL = "*"
EVERYTHING = "all"  # the switch that stops all sending

METADATA = sa.MetaData()
_Text, _Big = sa.Text, sa.BigInteger
_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _needed(name: str, kind: type[sa.Text] | type[sa.BigInteger] | type[sa.Boolean]) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)


RUNS = sa.Table(
    "runs",
    METADATA,
    sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
    sa.Column("run_id", _Text, nullable=False, unique=True),
    sa.Column("idempotency_key", _Text, nullable=True, unique=True),
    _needed("request_digest", _Text),
    _needed("as_of_us", _Big),
    _needed("created_us", _Big),
    _needed("received_seq", _Big),  # rows of `received` up to here were known to the decisions
    _needed("policy_version", _Text),
    _needed("policy_json", _Text),
    _needed("shop_json", _Text),
    _needed("model_version", _Text),
    _needed("answer_json", _Text),
    sqlite_autoincrement=True,
)
DECISIONS = sa.Table(
    "decisions",
    METADATA,
    sa.Column("decision_id", _Text, primary_key=True),
    sa.Column("run_seq", _Big, nullable=False, index=True),
    sa.Column("customer_id", _Text, nullable=False, index=True),
    sa.Column("person", _Text, nullable=False, index=True),
    _needed("as_of_us", _Big),
    _needed("arm", _Text),
    sa.Column("action", _Text),
    sa.Column("gate", _Text),
    sa.Column("propensity", sa.Float),
    _needed("content_json", _Text),
)
ARMS = sa.Table(
    "arms",  # the ledger of control groups: rows are added, never changed
    METADATA,
    sa.Column("person", _Text, primary_key=True),
    sa.Column("scope", _Text, primary_key=True),  # "all" or an action's name
    sa.Column("holdout_version", sa.Integer, primary_key=True),
    _needed("in_control", sa.Boolean),
    _needed("since_us", _Big),
)
MESSAGES = sa.Table(
    "messages",
    METADATA,
    sa.Column("message_id", _Text, primary_key=True),
    sa.Column("touch_key", _Text, nullable=False, unique=True),
    sa.Column("decision_id", _Text, nullable=False),
    sa.Column("customer_id", _Text, nullable=False),
    sa.Column("person", _Text, nullable=False, index=True),
    _needed("action", _Text),
    _needed("intent", _Text),
    _needed("channel", _Text),
    _needed("destination", _Text),
    _needed("state", _Text),
    _needed("payload_json", _Text),
    _needed("created_us", _Big),
    _needed("send_after_us", _Big),
    _needed("expires_at_us", _Big),
    _needed("next_attempt_us", _Big),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease_owner", _Text),
    sa.Column("lease_token", _Big, nullable=False, server_default="0"),  # rises with every lease: the fence
    sa.Column("lease_until_us", _Big),
    sa.Column("claimed_us", _Big),
    sa.Column("sent_us", _Big),
    sa.Column("reason", _Text),  # of the state it is in: the gate, or what the receiver said
    sa.Index("messages_due", "destination", "state", "next_attempt_us"),
)
ATTEMPTS = sa.Table(
    "attempts",
    METADATA,
    sa.Column("message_id", _Text, primary_key=True),
    sa.Column("lease_token", _Big, primary_key=True),
    _needed("owner", _Text),
    _needed("started_us", _Big),
    sa.Column("ended_us", _Big),
    sa.Column("outcome", _Text),
    sa.Column("status", sa.Integer),
)
SUPPRESSIONS = sa.Table(
    "suppressions",
    METADATA,
    sa.Column("person", _Text, primary_key=True),
    sa.Column("channel", _Text, primary_key=True),  # "*": every one
    sa.Column("reason", _Text, primary_key=True),  # unsubscribed, complained, bounced, erased, asked
    _needed("since_us", _Big),
    _needed("source", _Text),
)
SWITCHES = sa.Table(
    "switches",
    METADATA,
    sa.Column("name", _Text, primary_key=True),  # "all", "channel:email", "destination:crm"
    _needed("is_stopped", sa.Boolean),
    _needed("reason", _Text),
    _needed("changed_us", _Big),
)
OUTCOMES = sa.Table(
    "outcomes",  # what providers reported; the id they gave it refuses a replay
    METADATA,
    sa.Column("provider", _Text, primary_key=True),
    sa.Column("provider_id", _Text, primary_key=True),
    sa.Column("message_id", _Text),
    _needed("kind", _Text),
    _needed("occurred_us", _Big),
    _needed("received_us", _Big),
)
ERASURES = sa.Table(
    "erasures",
    METADATA,
    sa.Column("person", _Text, primary_key=True),
    sa.Column("receipt_id", _Text, nullable=False, unique=True),
    _needed("asked_us", _Big),
    _needed("receipt_json", _Text),
)
