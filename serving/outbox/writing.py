"""Writes a run with its decisions, arms and messages: all of it in the caller's transaction, so all or nothing.

What is there already stays: a decision once made is not made again, and so has no second message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from serving.chunks import chunks
from serving.outbox.tables import ARMS, DECISIONS, MESSAGES, RUNS

Row = Mapping[str, object]


@dataclass(frozen=True)
class Stored:
    """A run that was committed before."""

    request_digest: str
    answer_json: str


def stored_run(connection: Connection, run_id: str, idempotency_key: str | None) -> Stored | None:
    """The run of this key, else the one of this id, if there is one."""
    columns = (RUNS.c.request_digest, RUNS.c.answer_json)
    for column, value in ((RUNS.c.idempotency_key, idempotency_key), (RUNS.c.run_id, run_id)):
        row = connection.execute(sa.select(*columns).where(column == value)).first() if value is not None else None
        if row is not None:
            return Stored(str(row.request_digest), str(row.answer_json))
    return None


def known_decisions(connection: Connection, decision_ids: Sequence[str]) -> set[str]:
    """Those of the ids that are in the ledger."""
    found: set[str] = set()
    for some in chunks(decision_ids):
        query = sa.select(DECISIONS.c.decision_id).where(DECISIONS.c.decision_id.in_(some))
        found |= {str(name) for (name,) in connection.execute(query)}
    return found


def write_run(
    connection: Connection, run: Row, decisions: Iterable[Row], arms: Iterable[Row], messages: Iterable[Row]
) -> int:
    """Write everything; gives the run's place in the ledger (`seq`)."""
    seq = int(connection.execute(sa.insert(RUNS).values(**run).returning(RUNS.c.seq)).scalar_one())
    for some in chunks(decisions):
        connection.execute(sa.insert(DECISIONS), [{**row, "run_seq": seq} for row in some])
    for some in chunks(arms):
        connection.execute(_unless_there(connection, ARMS), list(some))
    for some in chunks(messages):
        connection.execute(sa.insert(MESSAGES), list(some))
    return seq


def _unless_there(connection: Connection, table: sa.Table) -> sa.Insert:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()
