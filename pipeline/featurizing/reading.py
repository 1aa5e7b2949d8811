"""Engagement read from Parquet in slices of whole row groups: only what is new, and of it only what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.errors import DataError
from features.kinds import KINDS
from features.log import Ints
from pipeline.event_log import microseconds, ten_thousandths
from pipeline.featurizing.rows_on_disk import Narrow
from pipeline.featurizing.texts import in_one

SLICE_ROWS = 400_000
_CODES, _UNKNOWN = {kind: code for code, kind in enumerate(KINDS)}, len(KINDS)


@dataclass(frozen=True)
class Wanted:
    """What is read of the clean tables, for features that look at nothing else.

    `kinds` of engagement (none named: all), the `values` of its events, and the `items` of orders.
    """

    kinds: tuple[str, ...] = ()
    values: bool = True
    items: bool = True


EVERYTHING = Wanted()


@dataclass(frozen=True)
class Slice:
    """Row groups one after the other, and how many rows of the first were read before."""

    groups: tuple[int, ...]
    skipped: int


@dataclass(frozen=True)
class Events:
    """What people did in a slice: `rows` of its `customer_ids`, and aligned with these `kind`, `time` and `value`.

    `kinds` counts the rows of each kind, machines' too.
    """

    customer_ids: pa.Array
    rows: Ints
    columns: Narrow
    kinds: Ints

    def ids_of(self, places: Ints) -> pa.Array:
        """The customers of some of the events."""
        return self.customer_ids.take(pa.array(self.rows.take(places)))


class Engagement:
    """The table of engagement, and the columns of it that are read."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        self._path, self._metadata = path, pq.read_metadata(path)
        self.columns = ["customer_id", "known_at", "kind", "is_machine", *(["value"] if wanted.values else [])]
        self._wanted = np.array([kind in wanted.kinds or not wanted.kinds for kind in KINDS])

    def slices(self, first: int) -> Iterator[Slice]:
        """The rows from `first` on."""
        start, groups, skipped, rows = 0, list[int](), 0, 0
        for number in range(self._metadata.num_row_groups):
            end = start + self._metadata.row_group(number).num_rows
            if end > first:
                skipped = skipped if groups else max(0, first - start)
                groups.append(number)
                rows += end - start
            if rows >= SLICE_ROWS:
                yield Slice(tuple(groups), skipped)
                groups, rows = [], 0
            start = end
        if groups:
            yield Slice(tuple(groups), skipped)

    def read(self, part: Slice) -> Events:
        """The events of a slice; raises DataError when one has a kind that nobody knows."""
        with pq.ParquetFile(self._path, metadata=self._metadata, read_dictionary=["kind"]) as file:
            rows = file.read_row_groups(part.groups, columns=self.columns, use_threads=False).slice(part.skipped)
        kind, ids = self._codes(rows["kind"]), in_one(rows["customer_id"])
        kept = self._wanted.take(kind) & ~_flags(rows["is_machine"])
        if ids.null_count:
            kept &= np.asarray(ids.is_valid())
        chosen = np.flatnonzero(kept)
        columns: dict[str, NDArray[np.integer]] = {
            "kind": kind.take(chosen),
            "time": microseconds(rows["known_at"]).take(chosen),
        }
        if "value" in self.columns:
            columns["value"] = ten_thousandths(rows["value"]).take(chosen)
        return Events(ids, chosen, columns, np.bincount(kind, minlength=len(KINDS)))

    def _codes(self, kinds: pa.ChunkedArray) -> NDArray[np.uint8]:
        parts = [np.zeros(0, dtype=np.uint8)]
        for chunk in kinds.chunks:
            names = [*chunk.dictionary.to_pylist(), None]
            codes = np.array([_CODES.get(name, _UNKNOWN) for name in names], dtype=np.uint8)
            parts.append(codes.take(np.asarray(chunk.indices.fill_null(len(names) - 1))))
        code = np.concatenate(parts)
        if (code == _UNKNOWN).any():
            unknown = kinds[int(np.argmax(code))].as_py()
            raise DataError(f"{self._path} holds what `check` never lets through: the kind {unknown!r}. Run it again.")
        return code


def _flags(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Booleans; what is not told is false."""
    filled = pc.fill_null(column, False) if column.null_count else column
    return np.asarray(filled.cast(pa.uint8())).view(np.bool_)
