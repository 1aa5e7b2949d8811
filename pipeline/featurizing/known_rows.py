"""Which rows of a Parquet file that grows at its end were seen before."""

# ruff: noqa: S608  paths are quoted literals, the rest is ours
from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipeline.sources.raw import literal


@dataclass(frozen=True)
class Seen:
    """A file as it was: digests of the row groups but the last and the rows in them, the last by rows and contents."""

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
        if now.groups[: len(self.groups)] != self.groups or now.rows < self.rows:
            return False
        return _rows_digest(path, self.group_rows, self.tail_rows, connection) == self.tail


def seen(path: Path, connection: duckdb.DuckDBPyConnection) -> Seen:
    """The file as it is now."""
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    spans = [_span(group) for group in groups[:-1]]
    with ThreadPoolExecutor() as pool:  # hashing leaves the interpreter free
        digests = tuple(pool.map(lambda span: _digest(path, *span), spans))
    before, last = sum(group.num_rows for group in groups[:-1]), groups[-1].num_rows if groups else 0
    return Seen(digests, before, last, _rows_digest(path, before, last, connection))


def _rows_digest(path: Path, first: int, count: int, connection: duckdb.DuckDBPyConnection) -> str:
    """A digest of some rows' contents, whatever row group they stand in."""
    found = connection.sql(
        f"SELECT count(*), sum(hash(*COLUMNS(* EXCLUDE file_row_number))::HUGEINT) "
        f"FROM read_parquet({literal(str(path))}, file_row_number = true) "
        f"WHERE file_row_number BETWEEN {first} AND {first + count - 1}"
    ).fetchall()
    return f"{duckdb.__version__} {found}"


def _span(group: pq.RowGroupMetaData) -> tuple[int, int]:
    columns = [group.column(number) for number in range(group.num_columns)]
    starts = [
        column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset for column in columns
    ]
    return min(starts), sum(column.total_compressed_size for column in columns)


def _digest(path: Path, start: int, size: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return hashlib.sha256(file.read(size)).hexdigest()
