"""The two files of `featurize`, written block after block by whichever engine computes them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.asof import Settings
from features.block import Calendar

ROW_GROUP = 65_536


@dataclass
class Written:
    """What went into one Parquet file: rows, rows per moment (microseconds), and empty values per column."""

    rows: int = 0
    rows_at: Counter[int] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Survey:
    """The facts a calendar and a catalogue need; microseconds UTC."""

    orders: int
    engagement: int
    first_order_us: int
    last_event_us: int
    absent: frozenset[str]


@dataclass(frozen=True)
class Made:
    """A finished run: what it found and was asked, what it wrote, and clean tables of a few customers for the proof.

    `proven` is the verdict of the leakage proof: yesterday's, while the history it was spoken on holds; else it is
    filled in by whoever proves.
    """

    survey: Survey
    calendar: Calendar
    settings: Settings
    history: Written
    current: Written
    proof: tuple[pa.Table, pa.Table, pa.Table]
    proven: dict[str, object] = field(default_factory=dict)


def packing(schema: pa.Schema) -> dict[str, Any]:
    """How the columns are written: floats with their bytes side by side pack best, and fastest, by the plainest codec.

    A dictionary or a stronger codec would take twice the time for a file little smaller; the least and the largest of
    each row group, a tenth of the time, serve who looks for a customer or a moment, not for a feature.
    """
    keys, floats = list(schema.names[:2]), [field.name for field in schema if pa.types.is_floating(field.type)]
    return {
        "compression": "lz4",
        "use_dictionary": keys,
        "use_byte_stream_split": floats,
        "write_statistics": keys,
    }


class Output:
    """One Parquet file, written as its rows come, in row groups worth reading."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.written = Written()
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._file = pq.ParquetWriter(path, schema, **packing(schema))

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._file.close()

    def add(self, table: pa.Table) -> None:
        """Append these rows, and count them."""
        self.written.rows += table.num_rows
        moments, counts = np.unique(np.asarray(table[1].cast(pa.int64())), return_counts=True)
        self.written.rows_at.update(dict(zip(moments.tolist(), counts.tolist(), strict=True)))
        self.written.empty.update(
            {
                name: sum(int(np.count_nonzero(np.isnan(np.asarray(chunk)))) for chunk in table[name].chunks)
                for name, kind in zip(table.column_names, table.schema.types, strict=True)
                if pa.types.is_floating(kind)
            }
        )
        self._waiting.append(table)
        if sum(waiting.num_rows for waiting in self._waiting) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write_table(pa.concat_tables(self._waiting).cast(self._schema), row_group_size=2 * ROW_GROUP)
            self._waiting = []
