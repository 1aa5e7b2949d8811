"""Writes raw tables with DuckDB: every row keeps the file it came from and its place there.

`source_row` counts data rows from 1. One thread and no reordering, so the same files give the same bytes.
"""

# ruff: noqa: S608  identifiers are canonical names or quoted, values are quoted literals
from __future__ import annotations

import csv
import errno
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from features.errors import SourceError

DELIMITERS = ",;\t|"


def connect(threads: int | None = 1) -> duckdb.DuckDBPyConnection:
    """A DuckDB of our own in UTC; None means all cores."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    if threads is not None:
        connection.execute(f"SET threads = {threads}")
    return connection


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def scan(path: Path) -> str:
    """The SQL that reads a CSV (all columns as text, so that ids keep their leading zeros) or Parquet file."""
    if not path.is_file():
        raise SourceError(f"{path} is not there. Mend the path in params.yaml.")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes). Export it again.")
    if path.suffix.lower() == ".parquet":
        return f"read_parquet({literal(str(path))})"
    delimiter, header = _header(path)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    return (
        f"read_csv({literal(str(path))}, delim = {literal(delimiter)}, quote = '\"', escape = '\"', header = true, "
        f"auto_detect = false, nullstr = '', columns = {{{columns}}})"
    )


def scanned_columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """The names of a file's columns."""
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {scan(path)}").fetchall()
    except duckdb.Error as error:
        raise unreadable(path, error) from error
    return [str(row[0]) for row in described]


def selection(source: str, columns: Mapping[str, str], source_file: str, extra: Sequence[str] = ()) -> str:
    """The SQL that gives a source canonical names and its provenance."""
    renamed = [f"{quoted(column)} AS {quoted(name)}" for name, column in columns.items()]
    provenance = [f"{literal(source_file)} AS source_file", "row_number() OVER () AS source_row"]
    return f"SELECT {', '.join([*renamed, *extra, *provenance])} FROM {source}"


def write_raw(connection: duckdb.DuckDBPyConnection, selections: Sequence[str], path: Path) -> int:
    """Write the rows of all selections to one Parquet file; returns how many."""
    union = " UNION ALL BY NAME ".join(f"({one})" for one in selections)
    try:
        written = connection.execute(f"COPY ({union}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.IOException as error:
        if "No space" in str(error):  # the disk's fault, not the source's
            raise OSError(errno.ENOSPC, "no space left on the disk", str(path)) from error
        raise
    return int(written.fetchall()[0][0])


def unreadable(path: Path, error: Exception) -> SourceError:
    """What to say of a file that is damaged, cut off, or not what its name says."""
    first = str(error).strip().splitlines()[0]
    return SourceError(f"{path} cannot be read: {first}. Is it whole, and UTF-8 if it is text? Export it again.")


def _header(path: Path) -> tuple[str, list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            first = lines.readline()
            delimiter = max(DELIMITERS, key=first.count)
            lines.seek(0)
            names = next(csv.reader(lines, delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise unreadable(path, error) from error
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SourceError(f"{path} names the column {repeated[0]!r} twice. Rename one of them.")
    return delimiter, names
