"""What the endpoint received joins the source's tables: rows whose id the source does not have itself.

The source is the system of record: once an order or event arrives there, its own row counts. `data/external/` is a
dependency of `pull`, so the mark there (which inbox, how far) is what makes DVC pull again.
"""

# ruff: noqa: S608  identifiers are canonical names or quoted, values are quoted literals
from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from features.tables import MONEY, SCHEMAS, TIME
from pipeline.files import written_aside
from pipeline.paths import project_root
from pipeline.sources.raw import connect, literal, quoted
from pipeline.stage import progress
from serving.inbox.database import INBOX_URL, inbox_file
from serving.inbox.inbox import Inbox, Mark, Received, Sort
from serving.inbox.marking import pulling, write_mark

SORTS: tuple[Sort, ...] = ("orders", "engagement")
SHOWN = "received"  # the `source_file` of these rows
IDS: dict[str, str] = {"orders": "order_id", "engagement": "event_id", "order_items": "order_id"}
PROVENANCE = [pa.field("source_file", pa.string()), pa.field("source_row", pa.int64())]
_CENT = Decimal("0.0001")
_SECOND_US = 1_000_000
Rows = list[dict[str, object]]


@contextmanager
def open_received() -> Iterator[tuple[Inbox, Mark] | None]:
    """The inbox and how far it is read, the mark moved there; None when nothing was ever received or decided."""
    root = project_root()
    if not os.environ.get(INBOX_URL) and not inbox_file(root).exists():
        yield None
        return
    inbox = Inbox.open(root)
    with pulling(root):
        mark = inbox.mark()
        write_mark(Path(), mark)
        yield None if mark.is_empty else (inbox, mark)


def last_received(found: tuple[Inbox, Mark] | None, before: date) -> date | None:
    """The day (UTC) of the last row that was received, of those known before another day; None without any."""
    if found is None:
        return None
    inbox, mark = found
    midnight = datetime.combine(before, datetime.min.time(), UTC)
    last_us = inbox.last_known_us(mark, int(midnight.timestamp()) * _SECOND_US)
    return None if last_us is None else datetime.fromtimestamp(last_us // _SECOND_US, UTC).date()


def join_received(found: tuple[Inbox, Mark] | None, raw: Path) -> dict[str, int]:
    """Add what was received to the raw tables; returns the rows of each table that grew."""
    if found is None:
        return {}
    inbox, mark = found
    grown: dict[str, int] = {}
    with connect() as connection:
        for sort in SORTS:
            made = _write_aside(inbox, mark, sort, raw)
            # Items first: they are told from the source's by its orders alone.
            for table in ("order_items", "orders") if sort == "orders" else ("engagement",):
                # Lines are items already, and what a received order holds cannot be told apart from them.
                is_told = table == "order_items" and (raw / "lines.parquet").exists()
                if is_told:
                    made.pop(table, Path()).unlink(missing_ok=True)
                if table in made:
                    grown[table] = _join(connection, table, made[table], raw)
    for table, rows in grown.items():
        progress(f"{table}: {rows:,} rows with those received by the endpoint")
    return grown


def _write_aside(inbox: Inbox, mark: Mark, sort: Sort, raw: Path) -> dict[str, Path]:
    """Parquet files of the received rows, sorted by id; `order_items` holds what stood inside orders."""
    tables = ("orders", "order_items") if sort == "orders" else ("engagement",)
    paths = {table: raw / f".{table}.received.tmp" for table in tables}
    rows = dict.fromkeys(tables, 0)
    schemas = {table: pa.schema([*SCHEMAS[table], *PROVENANCE]) for table in tables}
    writers = {table: pq.ParquetWriter(paths[table], schemas[table]) for table in tables}
    try:
        for chunk in inbox.rows(sort, mark):
            for table, records in _records(sort, chunk).items():
                for record in records:
                    rows[table] += 1
                    record.update(source_file=SHOWN, source_row=rows[table])
                writers[table].write_table(pa.Table.from_pylist(records, schema=schemas[table]))
    finally:
        for writer in writers.values():
            writer.close()
    for table in tables:
        if not rows[table]:
            paths[table].unlink()
    return {table: path for table, path in paths.items() if rows[table]}


def _records(sort: Sort, chunk: Sequence[Received]) -> dict[str, Rows]:
    contents = [orjson.loads(row.content) for row in chunk]
    items = [
        {**_typed("order_items", item), "order_id": content["order_id"]}
        for content in contents
        for item in content.pop("order_items", [])
    ]
    records: dict[str, Rows] = {sort: [_typed(sort, content) for content in contents]}
    return {**records, "order_items": items} if sort == "orders" else records


def _typed(table: str, content: dict[str, object]) -> dict[str, object]:
    kinds = {field.name: field.type for field in SCHEMAS[table]}
    return {name: _value(value, kinds[name]) for name, value in content.items()}


def _value(value: object, kind: pa.DataType) -> object:
    if kind == TIME:
        return pa.scalar(str(value).replace("Z", "+00:00")).cast(TIME).as_py()
    return Decimal(repr(value)).quantize(_CENT) if kind == MONEY else value


def _join(connection: duckdb.DuckDBPyConnection, table: str, received: Path, raw: Path) -> int:
    target = raw / f"{table}.parquet"
    new = f"read_parquet({literal(str(received))})"
    columns = _kinds(connection, new)
    told = {name for name in columns if _count(connection, f"SELECT count({quoted(name)}) FROM {new}")}
    old = _kinds(connection, f"read_parquet({literal(str(target))})") if target.exists() else {}
    wanted = [name for name in columns if name in old or (name in told and not _is_lost_id(name, table, old))]
    fresh = (
        f"SELECT {', '.join(_cast(name, old, columns) for name in wanted)} FROM {new} AS r {_unless_known(table, raw)}"
    )
    if not old:
        parts = fresh
    else:
        kept = ", ".join(_cast(name, old, columns) if name in columns else quoted(name) for name in old)
        parts = f"SELECT {kept} FROM read_parquet({literal(str(target))}) UNION ALL BY NAME {fresh}"
    with written_aside(target) as aside:
        connection.execute(f"COPY ({parts}) TO {literal(str(aside))} (FORMAT parquet, COMPRESSION zstd)")
    received.unlink()
    return int(pq.read_metadata(target).num_rows)


def _is_lost_id(name: str, table: str, old: dict[str, str]) -> bool:
    # A source without ids gets them built from content; a column that only some rows fill would refuse the others.
    return bool(old) and table != "order_items" and name == IDS[table] and name not in old


def _unless_known(table: str, raw: Path) -> str:
    """The condition that the source has no row of that id: for items, not their order."""
    holders = ["orders", "lines"] if table in ("orders", "order_items") else ["engagement"]
    conditions = [
        f"r.{IDS[table]} NOT IN (SELECT trim(CAST({IDS[table]} AS VARCHAR)) FROM read_parquet({literal(str(path))}) "
        f"WHERE {IDS[table]} IS NOT NULL)"
        for path in (raw / f"{holder}.parquet" for holder in holders)
        if path.exists() and IDS[table] in pq.read_schema(path).names
    ]
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _cast(name: str, old: dict[str, str], new: dict[str, str]) -> str:
    """A column in a type that holds the source's and the received values; text holds every time and number."""
    if name not in old or old[name] == new[name]:
        return quoted(name)
    return f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}"


def _kinds(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])
