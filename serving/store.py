"""What the endpoint knows of every customer: one SQLite file, written by the `plan` stage, read-only here.

Equal input gives equal bytes: rows in order of id, one page size, one transaction. Cells hold JSON, ready to be sent;
`history`, which is not, holds it compressed (serving/received.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

from features.errors import ServingError
from serving.chunks import chunks

FORMAT = 3
CELLS = ("score", "reasons", "decision", "facts", "history")
Cell = Literal["score", "reasons", "decision", "facts", "history"]
Row = tuple[str, bytes, bytes, bytes, bytes, bytes]


@dataclass(frozen=True)
class Store:
    """An open store; `about` holds what is true of all its customers."""

    about: Mapping[str, object]
    connection: sqlite3.Connection

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open read-only; raises ServingError when the file is missing or not ours."""
        if not path.is_file():
            raise ServingError(f"{path} is missing, so there is nobody to answer about; run `make run` to make it.")
        try:
            connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
            about = orjson.loads(connection.execute("SELECT about FROM shop").fetchone()[0])
        except (sqlite3.DatabaseError, TypeError) as error:
            raise ServingError(
                f"{path} is not a store of scores ({error}); run `make run` to make it again."
            ) from error
        if about.get("format") != FORMAT:
            raise ServingError(f"{path} has format {about.get('format')!r}, this code reads {FORMAT}; run `make run`.")
        return cls(about, connection)

    def customer_ids(self) -> list[str]:
        """Everybody, sorted."""
        return [str(name) for (name,) in self.connection.execute("SELECT customer_id FROM customers ORDER BY 1")]

    def cells(self, cell: Cell, customer_ids: Sequence[str]) -> dict[str, bytes]:
        """One cell of each known customer among the ids."""
        found: dict[str, bytes] = {}
        for some in chunks(customer_ids):
            marks = ",".join("?" * len(some))
            query = f"SELECT customer_id, {cell} FROM customers WHERE customer_id IN ({marks})"  # noqa: S608
            found.update(self.connection.execute(query, some).fetchall())
        return found


def write_store(path: Path, about: Mapping[str, object], rows: Iterable[Row]) -> None:
    """Write a new store; rows must come sorted by customer id. Raises ServingError when the disk does not take it."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            _fill(connection, about, rows)
    except sqlite3.OperationalError as error:
        raise ServingError(f"{path} cannot be written: {error}. Free space, then run `dvc repro` again.") from error


def _fill(connection: sqlite3.Connection, about: Mapping[str, object], rows: Iterable[Row]) -> None:
    # No journal: the file is written aside, and a half one is thrown away.
    for pragma in ("page_size = 4096", "journal_mode = OFF", "synchronous = OFF", "encoding = 'UTF-8'"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE shop (about BLOB NOT NULL)")
    columns = ", ".join(f"{cell} BLOB NOT NULL" for cell in CELLS)
    connection.execute(f"CREATE TABLE customers (customer_id TEXT PRIMARY KEY, {columns})")
    # Not sorted: the order of the policy's actions is that of the columns of the facts.
    everything = orjson.dumps({**about, "format": FORMAT})
    connection.execute("INSERT INTO shop VALUES (?)", (everything,))
    marks = ", ".join("?" for _ in ("customer_id", *CELLS))
    connection.executemany(f"INSERT INTO customers VALUES ({marks})", rows)  # noqa: S608
    connection.execute("COMMIT")
    connection.execute("VACUUM")
