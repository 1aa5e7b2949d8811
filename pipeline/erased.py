"""`python -m pipeline.erased CUSTOMER_ID`: where a customer is still named, in all files and caches.

Looked through: `data/`, `reports/`, MLflow's folders and database, DVC's cache, and the database of the inbox. Parquet
and SQLite files are read by value, compressed text unpacked, all others byte by byte. An id counts where it stands
alone, not inside a longer one. Says nothing of backups and of what was sent elsewhere.
"""

# ruff: noqa: S608  identifiers are quoted, values are quoted literals
from __future__ import annotations

import gzip
import mmap
import os
import re
import sqlite3
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import sqlalchemy as sa

from features.errors import RekindleError
from pipeline.paths import project_root
from pipeline.sources.raw import connect, literal, quoted
from serving.inbox.database import INBOX_URL, inbox_url, told
from serving.inbox.database import connect as connect_inbox

FOLDERS = ("data", "reports", "mlartifacts", "mlruns", ".dvc/cache", ".dvc/tmp", "mlflow.db")
ADVICE = (
    ("data/external", "yours: take the customer out of the file itself; pull leaves them out of what it makes of it"),
    (".dvc", "an older version: `dvc gc -w`, once `dvc repro` has run"),
    ("data/inbox", "`python -m serving.erase` the customer"),
    ("data/outbox", "`python -m serving.erase` the customer"),
    ("data/serving", "`python -m serving.erase` the customer"),
    ("ml", "a run kept by MLflow: delete the run, then `mlflow gc`"),
)
_PARQUET, _SQLITE, _GZIP = b"PAR1", b"SQLite format 3\0", b"\x1f\x8b"


def found_in(root: Path, customer_id: str) -> Iterator[tuple[str, int]]:
    """Each file below the root that names the customer, with the number of places; the inbox's server as a file."""
    for file in _files(root):
        count = _count(file, customer_id)
        if count:
            yield file.relative_to(root).as_posix(), count
    if os.environ.get(INBOX_URL):
        count = _in_database(inbox_url(root), customer_id)
        if count:
            yield f"${INBOX_URL}", count


def advice(place: str) -> str:
    """What removes it there."""
    return next((what for start, what in ADVICE if place.startswith(start)), "`dvc repro`")


def _files(root: Path) -> Iterator[Path]:
    for name in FOLDERS:
        place = root / name
        yield from [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())


def _count(file: Path, customer_id: str) -> int:
    try:
        with file.open("rb") as opened:
            head = opened.read(len(_SQLITE))
        if head.startswith(_PARQUET):
            return _in_parquet(file, customer_id)
        if head.startswith(_GZIP):
            with gzip.open(file) as opened:
                return len(_pattern(customer_id).findall(opened.read()))
        count = _in_sqlite(file, customer_id) if head == _SQLITE else 0
    except FileNotFoundError:
        return 0  # it went while we looked
    except (duckdb.Error, sqlite3.Error, OSError, EOFError, zlib.error):
        count = 0
    # Also after a look by value: what was deleted may still stand in the bytes.
    return count or _in_bytes(file, customer_id)


def _in_parquet(file: Path, customer_id: str) -> int:
    scan, pattern = f"read_parquet({literal(str(file))})", literal(_standing_alone(re.escape(customer_id)))
    with connect() as connection:
        kinds = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        texts = [f"CAST({quoted(str(name))} AS VARCHAR)" for name, kind, *_ in kinds if _may_hold(str(name), str(kind))]
        # Cheap first: most rows do not even hold the letters.
        tests = [
            f"coalesce(contains({text}, {literal(customer_id)}) AND regexp_matches({text}, {pattern}), false)"
            for text in texts
        ]
        query = f"SELECT count(*) FROM {scan} WHERE {' OR '.join(tests) or 'false'}"
        return int(connection.execute(query).fetchall()[0][0])


def _may_hold(name: str, kind: str) -> bool:
    """Numbers and times name nobody, unless they are ids."""
    return name.endswith("_id") or kind.startswith(("VARCHAR", "BLOB", "STRUCT", "MAP")) or kind.endswith("]")


def _in_sqlite(file: Path, customer_id: str) -> int:
    pattern, count = _pattern(customer_id), 0
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as store:
        tables = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in store.execute(f"SELECT * FROM {quoted(table)}"):
                count += any(pattern.search(_bytes(value)) for value in row)
    return count


def _in_database(url: str, customer_id: str) -> int:
    pattern, count = _pattern(customer_id), 0
    with told(), connect_inbox(url).connect() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                count += any(pattern.search(_bytes(value)) for value in row)
    return count


def _in_bytes(file: Path, customer_id: str) -> int:
    with file.open("rb") as opened:
        if not os.fstat(opened.fileno()).st_size:
            return 0
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return sum(1 for _ in _pattern(customer_id).finditer(content))


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        return str(value).encode()
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


def _pattern(customer_id: str) -> re.Pattern[bytes]:
    name = re.escape(customer_id.encode())
    return re.compile(rb"(?<![0-9A-Za-z_])" + name + rb"(?![0-9A-Za-z_])")


def _standing_alone(name: str) -> str:
    return f"(^|[^0-9A-Za-z_]){name}($|[^0-9A-Za-z_])"


def main(arguments: list[str]) -> None:
    """Say where; exits 1 when the customer is still named anywhere."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.exit("usage: python -m pipeline.erased CUSTOMER_ID")
    try:
        places = list(found_in(project_root(), arguments[0]))
    except RekindleError as error:
        sys.exit(f"erased: {error}")
    for place, count in places:
        print(f"{place}: {count:,} time(s); {advice(place)}")
    if places:
        sys.exit(f"erased: still named in {len(places):,} file(s)")
    print("erased: named nowhere below this folder")


if __name__ == "__main__":
    main(sys.argv[1:])
