"""CSV and Parquet exports: one path or a glob per table; columns by name or by the mapping in params.

CSV is read as text throughout; `check` parses it, so that a bad value lands in quarantine and not in a crash.
"""

from __future__ import annotations

import glob
from pathlib import Path

import duckdb

from features.errors import ConfigError, SourceError
from pipeline.params import Files, FileTable
from pipeline.paths import project_root
from pipeline.sources.columns import chosen_columns, raw_table
from pipeline.sources.raw import connect, scan, scanned_columns, selection, unreadable, write_raw
from pipeline.stage import progress

TABLES = ("orders", "order_items", "engagement", "customers")


def pull_files(files: Files, raw: Path) -> dict[str, int]:
    """Write one raw Parquet file per table that is set in params; returns the rows of each."""
    if files.orders.path is None:
        raise ConfigError("pull.files.orders.path is not set; name the file (or glob) that holds the orders.")
    rows: dict[str, int] = {}
    for table in TABLES:
        wanted: FileTable = getattr(files, table)
        if wanted.path is not None:
            name, count = _pull_table(table, wanted, raw)
            rows[name] = count
    return rows


def found_files(pattern: str, key: str) -> list[tuple[str, Path]]:
    """Name and path of each file, sorted; relative to the working directory, else to the project's root.

    Inside a queued experiment the working directory is a temporary copy without git-ignored files.
    """
    for base in (Path(), project_root()):
        found = sorted(glob.glob(str(base / pattern), recursive=True))  # noqa: PTH207  a pattern may be absolute
        if found:
            return [(_shown(Path(path), base), Path(path)) for path in found]
    if glob.has_magic(pattern):
        raise SourceError(f"{key}: no file matches {pattern!r}. Mend the pattern or put the files there.")
    raise SourceError(f"{key}: there is no file {pattern!r}. Mend the path or put the file there.")


def _shown(path: Path, base: Path) -> str:
    # An absolute path would put this machine's folders into the data and its hash.
    if path.is_relative_to(base) and not (path.is_absolute() and base == Path()):
        return path.relative_to(base).as_posix()
    return path.name


def _pull_table(table: str, wanted: FileTable, raw: Path) -> tuple[str, int]:
    key = f"pull.files.{table}"
    connection = connect()
    selections, names = [], set()
    for shown, path in found_files(str(wanted.path), f"{key}.path"):
        available = scanned_columns(connection, path)
        chosen = chosen_columns(table, wanted.columns, available, shown, f"{key}.columns")
        selections.append(selection(scan(path), chosen, shown))
        names.add(raw_table(table, wanted.columns, available))
    if len(names) > 1:
        raise SourceError(f"{key}: some files hold whole orders and some hold order lines. Pull them apart.")
    name = names.pop()
    try:
        rows = write_raw(connection, selections, raw / f"{name}.parquet")
    except duckdb.Error as error:
        raise unreadable(Path(str(wanted.path)), error) from error
    if rows == 0:
        raise SourceError(f"{key}: {wanted.path} has a header but no rows. Export it again, or set the path to null.")
    progress(f"{name}: {rows:,} rows from {len(selections)} file(s)")
    return name, rows
