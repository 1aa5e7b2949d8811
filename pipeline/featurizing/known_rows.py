"""Which rows of a Parquet file that grows at its end were seen before, as far as the columns that are read can tell."""

# ruff: noqa: S608  paths are quoted literals, the rest is ours
from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipeline.sources.raw import literal, quoted


@dataclass(frozen=True)
class Seen:
    """Columns of a file as it was: digests of the row groups but the last and their rows, the last by contents."""

    columns: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    group_rows: int = 0
    tail_rows: int = 0
    tail: str = ""

    @property
    def rows(self) -> int:
        """All rows."""
        return self.group_rows + self.tail_rows

    def is_start_of(self, path: Path, now: Seen, connection: duckdb.DuckDBPyConnection) -> bool:
        """True when the file still begins with these rows; `now` is the file as it is."""
        if (now.columns, now.groups[: len(self.groups)]) != (self.columns, self.groups) or now.rows < self.rows:
            return False
        return _rows_digest(path, self.columns, (self.group_rows, self.tail_rows), connection) == self.tail


def seen(path: Path, columns: Iterable[str], connection: duckdb.DuckDBPyConnection) -> Seen:
    """These columns of the file as they are now."""
    metadata, names = pq.read_metadata(path), tuple(sorted(columns))
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    spans = [_spans(group, names) for group in groups[:-1]]
    with ThreadPoolExecutor() as pool:  # hashing leaves the interpreter free
        digests = tuple(pool.map(lambda each: _digest(path, each), spans))
    before, last = sum(group.num_rows for group in groups[:-1]), groups[-1].num_rows if groups else 0
    return Seen(names, digests, before, last, _rows_digest(path, names, (before, last), connection))


def _rows_digest(
    path: Path, columns: tuple[str, ...], rows: tuple[int, int], connection: duckdb.DuckDBPyConnection
) -> str:
    """A digest of some rows' contents (from the first, so many), whatever row group they stand in."""
    first, count = rows
    found = connection.sql(
        f"SELECT count(*), sum(hash({', '.join(map(quoted, columns))})::HUGEINT) "
        f"FROM read_parquet({literal(str(path))}, file_row_number = true) "
        f"WHERE file_row_number BETWEEN {first} AND {first + count - 1}"
    ).fetchall()
    return f"{duckdb.__version__} {found}"


def _spans(group: pq.RowGroupMetaData, columns: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where the columns lie: first byte and bytes."""
    every = [group.column(number) for number in range(group.num_columns)]
    return [(_start(one), one.total_compressed_size) for one in every if one.path_in_schema in columns]


def _start(column: pq.ColumnChunkMetaData) -> int:
    start = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
    return int(start)


def _digest(path: Path, spans: list[tuple[int, int]]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for start, size in spans:
            file.seek(start)
            digest.update(file.read(size))
    return digest.hexdigest()
