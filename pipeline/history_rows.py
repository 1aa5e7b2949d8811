"""The rows of history.parquet at some cutoffs, a batch at a time: what training reads where memory is too small."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.batches import Batch
from models.candidate import refuse_infinite
from models.history import iso
from pipeline.untreated import STANDS_FOR, repeated

ROWS_AT_ONCE = 65_536  # read from Parquet
ROWS_PER_PAGE = 524_288  # of a batch; XGBoost keeps about one such page in memory


@dataclass(frozen=True)
class Part:
    """Rows of a history file: at some cutoffs (ISO, as the catalogue has them), in some row groups (None: all)."""

    file: Path
    cutoffs: Collection[str]
    groups: tuple[int, ...] | None = None

    def batches(self, names: list[str]) -> Iterator[Batch]:
        """A pass over the rows; raises ModelError naming a column with infinite values."""
        waiting: list[pa.Table] = []
        for table in self._tables(names):
            waiting.append(table)
            if sum(len(one) for one in waiting) >= ROWS_PER_PAGE:
                yield _batch(pa.concat_tables(waiting), names)
                waiting = []
        if waiting:
            yield _batch(pa.concat_tables(waiting), names)

    def counted(self) -> tuple[int, float]:
        """Rows, and the share of them that churned."""
        labels = np.concatenate([np.asarray(table["churned"]) for table in self._tables([])])
        return len(labels), float(labels.mean())

    def _tables(self, names: list[str]) -> Iterator[pa.Table]:
        with pq.ParquetFile(self.file) as file:
            groups = range(file.num_row_groups) if self.groups is None else self.groups
            marked = [STANDS_FOR] if STANDS_FOR in file.schema_arrow.names else []
            wanted = [*names, "cutoff", "churned", *marked]
            for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=list(groups), columns=wanted):
                rows = pa.Table.from_batches([batch])
                kept = repeated(rows.filter(pa.array(_is_at(rows["cutoff"], self.cutoffs))))
                if len(kept):
                    yield kept


def _is_at(cutoffs: pa.ChunkedArray, wanted: Collection[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    moments = np.asarray(pc.cast(cutoffs, pa.timestamp("us")))
    known, places = np.unique(moments, return_inverse=True)
    chosen = np.array([iso(moment) in wanted for moment in known], dtype=bool)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = chosen[places]
    return found


def _batch(rows: pa.Table, names: list[str]) -> Batch:
    values = np.empty((len(rows), len(names)))
    for place, name in enumerate(names):
        values[:, place] = np.asarray(rows[name].cast(pa.float64()))
    refuse_infinite(pd.DataFrame(values, columns=names, copy=False))
    return Batch(values, np.asarray(rows["churned"]).astype(np.int8))
