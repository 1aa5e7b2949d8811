"""Whoever was erased stays out, whatever the source sends: their rows leave every table that `pull` has made.

They are known by keyed hashes alone, so each id of the tables is hashed; without an erasure nothing is read twice.
"""

# ruff: noqa: S608  identifiers are canonical names or quoted, values are quoted literals
from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.files import written_aside
from pipeline.paths import project_root
from pipeline.sources.raw import connect, literal
from pipeline.stage import progress
from serving.inbox.database import INBOX_URL, inbox_file, inbox_url, told
from serving.inbox.database import connect as connect_inbox
from serving.inbox.erased import read_erased, write_erased
from serving.outbox.lists import erased
from serving.outbox.person import holdout_key, person_of

_TEXT = "CAST({} AS VARCHAR)"


def erased_persons() -> frozenset[str]:
    """Everybody in the database and in `data/external/erased.json`, which then holds them all; raises ServingError."""
    root = project_root()
    if not os.environ.get(INBOX_URL) and not inbox_file(root).exists():
        return read_erased(Path())
    with told(), connect_inbox(inbox_url(root)).connect() as connection:
        persons = erased(connection)
    return write_erased(Path(), persons)


def drop_erased(persons: frozenset[str], folders: Sequence[Path]) -> dict[str, int]:
    """Take their rows out of the Parquet files of the folders; returns the rows left in those of the first."""
    if not persons:
        return {}
    files = [file for folder in folders for file in sorted(folder.glob("*.parquet"))]
    with connect() as connection:
        gone = _gone(connection, files, persons)
        connection.register("gone", pa.table({"customer_id": pa.array(gone, pa.string())}))
        orders = _orders_of(connection, files)
        dropped = {file: _rewritten(connection, file, orders) for file in files}
    progress(
        f"{len(persons):,} erased person(s): {sum(dropped.values()):,} rows of {len(gone):,} of them left out of "
        f"{sum(count > 0 for count in dropped.values())} table(s)"
    )
    return {file.stem: int(pq.read_metadata(file).num_rows) for file in files if file.parent == folders[0]}


def canonical(value: object) -> str:
    """An id as `check` will have it: trimmed text, a whole float without its `.0`."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 9e15
    return str(int(value)) if is_whole and isinstance(value, float) else str(value).strip(" ")


def _gone(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], persons: frozenset[str]) -> list[str]:
    """The ids of the erased as the tables spell them."""
    key, spelled = holdout_key(), dict[str, str]()
    for file in (file for file in files if "customer_id" in _columns(file)):
        query = f"SELECT DISTINCT customer_id, {_TEXT.format('customer_id')} FROM {_scan(file)} "
        for value, text in connection.execute(f"{query} WHERE customer_id IS NOT NULL").fetchall():
            spelled[str(text)] = canonical(value)
    return sorted(text for text, name in spelled.items() if person_of(name, key) in persons)


def _orders_of(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> str:
    """The SQL for orders that belong to nobody but the erased: items name no customer."""
    holders = [file for file in files if {"order_id", "customer_id"} <= set(_columns(file))]
    if not holders:
        return "SELECT NULL"
    columns = ", ".join(f"{_TEXT.format(name)} AS {name}" for name in ("order_id", "customer_id"))
    both = " UNION ALL ".join(f"SELECT {columns} FROM {_scan(file)}" for file in holders)
    is_gone = "customer_id IN (FROM gone)"
    connection.execute(
        f"CREATE TEMP TABLE gone_orders AS SELECT order_id FROM ({both}) WHERE {is_gone} EXCEPT "
        f"SELECT order_id FROM ({both}) WHERE customer_id IS NOT NULL AND NOT {is_gone}"
    )
    return "FROM gone_orders WHERE order_id IS NOT NULL"


def _rewritten(connection: duckdb.DuckDBPyConnection, file: Path, orders: str) -> int:
    """The rows taken out; a file without any stays as it is."""
    column, these = ("customer_id", "FROM gone") if "customer_id" in _columns(file) else ("order_id", orders)
    if column not in _columns(file):
        return 0
    condition = f"coalesce({_TEXT.format(column)} IN ({these}), false)"
    found = connection.execute(f"SELECT count(*) FROM {_scan(file)} WHERE {condition}").fetchall()
    if found[0][0]:
        kept = f"SELECT * FROM {_scan(file)} WHERE NOT {condition}"
        with written_aside(file) as aside:
            connection.execute(f"COPY ({kept}) TO {literal(str(aside))} (FORMAT parquet, COMPRESSION zstd)")
    return int(found[0][0])


def _columns(file: Path) -> list[str]:
    return list(pq.read_schema(file).names)


def _scan(file: Path) -> str:
    return f"read_parquet({literal(str(file))})"
