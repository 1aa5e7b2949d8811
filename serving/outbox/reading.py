"""What the ledger and the lists say of some customers before a decision: kept out, waiting, perhaps sent, stopped.

What cannot be read raises, so that nobody is contacted on a guess. Instants are int64 µs UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from features.log import DAY_US
from serving.budgets import Spent
from serving.chunks import chunks
from serving.inbox.inbox import RECEIVED
from serving.outbox.lists import blocked, opted_out, stopped
from serving.outbox.person import person_of
from serving.outbox.tables import DECISIONS, ERASURES, MESSAGES, OPEN, RUNS, SUPPRESSIONS
from serving.policy import CHANNELS

# Sent ones are received rows of the kind touch; of these nobody knows yet.
_DOUBTFUL = ("unknown",)
_NEVER_SENT = ("cancelled", "expired", "dead")
_MESSAGES = sa.select(MESSAGES.c.customer_id, MESSAGES.c.state, MESSAGES.c.claimed_us, MESSAGES.c.action)
_MESSAGES = _MESSAGES.where(
    MESSAGES.c.customer_id.in_(sa.bindparam("some", expanding=True)), MESSAGES.c.state.in_((*OPEN, *_DOUBTFUL))
)


@dataclass(frozen=True)
class Ledger:
    """What stands in the database about some customers, by customer id, and how far it had come."""

    suppressed: frozenset[str]
    blocked: Mapping[str, Sequence[str]]  # channels
    waiting: frozenset[str]
    perhaps_sent: Mapping[str, Sequence[tuple[int, str]]]  # instant, action
    paused: tuple[str, ...]


@dataclass(frozen=True)
class Mark:
    """How far the database had come when it was read: rows of `received`, and what else would change a decision."""

    received_seq: int
    changes: tuple[int, int, int]


def read_ledger(connection: Connection, customer_ids: Sequence[str], key: bytes) -> Ledger:
    """What is known of these customers; `key` is that of the control group."""
    name_of = {person_of(name, key): name for name in customer_ids}
    out = {channel: {name_of[person] for person in blocked(connection, name_of, channel)} for channel in CHANNELS}
    barred = {name: [channel for channel in CHANNELS if name in out[channel]] for name in set().union(*out.values())}
    rows = list(_messages(connection, customer_ids))
    perhaps: dict[str, list[tuple[int, str]]] = {}
    for name, state, claimed_us, action in rows:
        if state in _DOUBTFUL:
            perhaps.setdefault(name, []).append((claimed_us, action))
    return Ledger(
        suppressed=frozenset(opted_out(connection, customer_ids)),
        blocked=barred,
        waiting=frozenset(name for name, state, _, _ in rows if state in OPEN),
        perhaps_sent=perhaps,
        paused=tuple(channel for channel in CHANNELS if stopped(connection, channel)),
    )


def read_mark(connection: Connection) -> Mark:
    """How far the database has come; equal `changes` mean that decisions made on it still stand."""
    received, runs = (connection.execute(sa.select(sa.func.max(each.c.seq))).scalar() for each in (RECEIVED, RUNS))
    out, erased = (
        connection.execute(sa.select(sa.func.count()).select_from(each)) for each in (SUPPRESSIONS, ERASURES)
    )
    return Mark(int(received or 0), (int(runs or 0), int(out.scalar_one()), int(erased.scalar_one())))


def spent_on_day(connection: Connection, day_us: int, money_of: Callable[[Mapping[str, object]], float]) -> Spent:
    """What the runs of the day (UTC) that holds the instant have committed; `money_of` reads a decision's content."""
    first_us = day_us // DAY_US * DAY_US
    query = sa.select(MESSAGES.c.channel, DECISIONS.c.content_json)
    query = query.join(DECISIONS, DECISIONS.c.decision_id == MESSAGES.c.decision_id, isouter=True)
    query = query.where(MESSAGES.c.created_us >= first_us, MESSAGES.c.created_us < first_us + DAY_US)
    rows = list(connection.execute(query.where(MESSAGES.c.state.not_in(_NEVER_SENT))))
    sends: dict[str, int] = {channel: sum(row.channel == channel for row in rows) for channel in CHANNELS}
    money = sum(money_of(orjson.loads(row.content_json)) for row in rows if row.content_json)
    return Spent(contacts=len(rows), money=money, sends=sends)


def _messages(connection: Connection, customer_ids: Sequence[str]) -> Iterator[tuple[str, str, int, str]]:
    for some in chunks(customer_ids):
        for row in connection.execute(_MESSAGES, {"some": some}):
            yield str(row.customer_id), str(row.state), int(row.claimed_us or 0), str(row.action)
