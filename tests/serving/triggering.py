"""Runs of the trigger on a desk, and what they left in its tables."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import sqlalchemy as sa

from features.log import DAY_US
from serving.desk import Desk
from serving.outbox.tables import DECISIONS, MESSAGES
from serving.requests import microseconds
from serving.rows import decision_rows
from serving.trigger import Call, make, trigger

NINE_US = microseconds(datetime(2026, 1, 1, 9, tzinfo=UTC))
HOUR_US = DAY_US // 24
Told = dict[str, object]


def call(now_us: int = NINE_US, key: str | None = None, **body: object) -> Call:
    """A request with this body."""
    return Call.of(orjson.dumps(body), now_us, key)


def triggered(desk: Desk, now_us: int = NINE_US, **body: object) -> Told:
    """A run, and what it answered."""
    told: Told = orjson.loads(trigger(desk, call(now_us, **body)))
    return told


def rows(desk: Desk, table: sa.Table) -> list[Told]:
    """All of a table."""
    with desk.inbox.engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.select(table))]


def contacted(desk: Desk) -> list[Told]:
    """The messages, by customer."""
    return sorted(rows(desk, MESSAGES), key=lambda row: str(row["customer_id"]))


def gate_of(desk: Desk, customer_id: str) -> object:
    """What held the customer back in the latest run."""
    mine = [row for row in rows(desk, DECISIONS) if row["customer_id"] == customer_id]
    return max(mine, key=lambda row: int(str(row["run_seq"])))["gate"]


def willing(desk: Desk) -> str:
    """Somebody who would be contacted."""
    with desk.inbox.engine.connect() as connection:
        decided = make(desk, call(), connection).decisions
    found = decision_rows(decided, desk.policy, NINE_US)
    return str(next(row["customer_id"] for row in found if row["action"] in ("reason_survey", "how_to_content")))
