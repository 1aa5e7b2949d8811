"""The received rows: each kept once by its id, found by customer, counted for the next nightly run."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from features.errors import ServingError
from serving.chunks import chunks
from serving.inbox.database import BUSY_SECONDS, inbox_url, open_database, told, writing
from serving.outbox.tables import RUNS

Sort = Literal["orders", "engagement"]
Outcome = Literal["accepted", "duplicate", "conflict"]
_ROWS_PER_CHUNK = 50_000
REST_SECONDS = 5.0

RECEIVED = sa.Table(
    "received",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("sort", "id", "customer_id")),
    sa.Column("known_at_us", sa.BigInteger),
    sa.Column("content", sa.Text),
)
_ROW = (RECEIVED.c.sort, RECEIVED.c.id, RECEIVED.c.customer_id, RECEIVED.c.known_at_us, RECEIVED.c.content)
_COLUMNS = ", ".join(column.name for column in _ROW)
_OF_CUSTOMERS = sa.select(*_ROW).where(RECEIVED.c.customer_id.in_(sa.bindparam("ids", expanding=True)))
_OF_CUSTOMERS = _OF_CUSTOMERS.order_by(RECEIVED.c.seq)
_BY_ID = sa.select(RECEIVED.c.id, RECEIVED.c.content).where(
    RECEIVED.c.sort == sa.bindparam("sort"), RECEIVED.c.id.in_(sa.bindparam("ids", expanding=True))
)


class Received(NamedTuple):
    """One row; `content` is JSON of canonical columns, `known_at_us` when the shop knew it (µs UTC)."""

    sort: Sort
    id: str
    customer_id: str
    known_at_us: int
    content: str


class Mark(NamedTuple):
    """How far it has come, in rows received and runs of decisions: both only grow, so equal marks mean equal rows."""

    inbox_id: str
    last: int
    runs: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing was ever received, and nothing decided."""
        return not self.last and not self.runs


@dataclass
class Rest:
    """After a failure nobody tries again for a while: else each request would wait for what does not answer."""

    seconds: float = REST_SECONDS
    _until: float = 0.0

    @property
    def is_over(self) -> bool:
        """May it be tried?"""
        return time.monotonic() >= self._until

    def begin(self) -> None:
        """It failed just now."""
        self._until = time.monotonic() + self.seconds


@dataclass(frozen=True)
class Inbox:
    """An open inbox; safe between threads."""

    engine: Engine
    # Asked at every score by id: through the engine this takes twenty times as long.
    _reader: sqlite3.Connection | None = field(default=None, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)
    unreachable: Rest = field(default_factory=Rest, repr=False)

    @classmethod
    def open(cls, home: Path) -> Inbox:
        """The inbox of the environment or below `home`, made if there is none; raises ServingError."""
        engine = open_database(inbox_url(home))
        is_file = engine.dialect.name == "sqlite" and engine.url.database
        return cls(engine, reader(str(engine.url.database)) if is_file else None)

    @property
    def is_remote(self) -> bool:
        """Does asking it mean waiting for another machine?"""
        return self._reader is None

    def add(self, rows: Sequence[Received]) -> list[Outcome]:
        """Keep what is new; the rows are on the disk when this returns. Raises ServingError and keeps none."""
        with self._turn, told(), writing(self.engine) as connection:
            known = _known(connection, "orders", rows) | _known(connection, "engagement", rows)
            outcomes: list[Outcome] = []
            new: list[dict[str, object]] = []
            for row in rows:
                before = known.get((row.sort, row.id))
                if before is None:
                    known[row.sort, row.id] = row.content
                    new.append(row._asdict())
                outcomes.append("accepted" if before is None else "duplicate" if before == row.content else "conflict")
            if new:
                connection.execute(sa.insert(RECEIVED), new)
        return outcomes

    def of(self, customer_ids: Sequence[str]) -> dict[str, list[Received]]:
        """The rows of those customers who have any, in the order they came; raises ServingError."""
        found: dict[str, list[Received]] = {}
        for some in chunks(customer_ids):
            for row in self._of_file(some) if self._reader is not None else self._of_server(some):
                received = Received(*row)
                found.setdefault(received.customer_id, []).append(received)
        return found

    def _of_file(self, ids: list[str]) -> Sequence[tuple[Sort, str, str, int, str]]:
        marks = ", ".join("?" * len(ids))
        query = f"SELECT {_COLUMNS} FROM received WHERE customer_id IN ({marks}) ORDER BY seq"  # noqa: S608
        try:
            return self._reader.execute(query, ids).fetchall() if self._reader is not None else []
        except sqlite3.Error as error:
            raise ServingError(f"the inbox of received events cannot be read: {error}") from error

    def _of_server(self, ids: list[str]) -> Sequence[tuple[Sort, str, str, int, str]]:
        with told(), self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(_OF_CUSTOMERS, {"ids": ids})]

    def last_known_us(self, mark: Mark | None = None, before_us: int | None = None) -> int | None:
        """When the shop knew the last of all rows, or of those up to the mark and before an instant; None without."""
        query = sa.select(sa.func.max(RECEIVED.c.known_at_us))
        query = query if mark is None else query.where(RECEIVED.c.seq <= mark.last)
        query = query if before_us is None else query.where(RECEIVED.c.known_at_us < before_us)
        with told(), self.engine.connect() as connection:
            last = connection.execute(query).scalar()
        return None if last is None else int(last)

    def mark(self) -> Mark:
        """How far it has come."""
        with told(), self.engine.connect() as connection:
            inbox_id = connection.execute(sa.text("SELECT inbox_id FROM inbox")).scalar_one()
            last = connection.execute(sa.select(sa.func.max(RECEIVED.c.seq))).scalar()
            runs = connection.execute(sa.select(sa.func.max(RUNS.c.seq))).scalar()
        return Mark(str(inbox_id), int(last or 0), int(runs or 0))

    def rows(self, sort: Sort, mark: Mark) -> Iterator[list[Received]]:
        """All rows of a table up to the mark, in order of their ids, in chunks."""
        query = sa.select(*_ROW).where(RECEIVED.c.sort == sort, RECEIVED.c.seq <= mark.last)
        with told(), self.engine.connect().execution_options(stream_results=True) as connection:
            for chunk in connection.execute(query.order_by(_by_id(connection))).partitions(_ROWS_PER_CHUNK):
                yield [Received(*row) for row in chunk]


def reader(path: str) -> sqlite3.Connection:
    """A connection for reading alone; each read sees all that was kept before it."""
    return sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)


def _known(connection: Connection, sort: Sort, rows: Sequence[Received]) -> dict[tuple[str, str], str]:
    ids = [row.id for row in rows if row.sort == sort]
    known: dict[tuple[str, str], str] = {}
    for some in chunks(ids):
        found = connection.execute(_BY_ID, {"sort": sort, "ids": some})
        known.update(((sort, str(name)), str(content)) for name, content in found)
    return known


def _by_id(connection: Connection) -> sa.ColumnElement[str]:
    # The same order whatever the server's language: pull's output must not depend on it.
    return RECEIVED.c.id if connection.dialect.name == "sqlite" else sa.collate(RECEIVED.c.id, "C")
