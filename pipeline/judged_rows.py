"""What `evaluate` looks at of history.parquet, read in parts: all columns at the test cutoff alone, few of every row.

A feature that is compared over all cutoffs is read by itself, so memory grows with a dozen columns and not with all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.btyd import Floats
from pipeline.files import read_table
from pipeline.untreated import STANDS_FOR, LeftOut, left_out, untreated

AT_ONCE = 65_536
OF_EVERY_ROW = (
    "customer_id",
    "cutoff",
    "churned",
    "btyd_x",
    "btyd_t_x",
    "btyd_T",
    "orders_ever",
    "spend_ever",
    "future_orders",
    "future_revenue",
    STANDS_FOR,
)


@dataclass(frozen=True)
class Judged:
    """Rows of people left alone: `history` at every cutoff, some columns; `rows` at the test cutoff, all columns."""

    file: Path
    history: pd.DataFrame
    rows: pd.DataFrame
    alone: NDArray[np.bool_]  # which rows of the file are in `history`
    touched: LeftOut | None  # at the test cutoff; None in a shop that never sent anything
    customers: int  # at the test cutoff, touched or not

    @property
    def at_test(self) -> NDArray[np.bool_]:
        """Which rows of `history` are of the test cutoff."""
        return np.asarray(self.history["cutoff"] == self.rows["cutoff"].iloc[0])

    def column(self, name: str) -> Floats:
        """A column of `history`, whether or not it is one of the few; empty is NaN."""
        return read_table(self.file, [name])[name].to_numpy(np.float64)[self.alone]


def judged_rows(file: Path) -> Judged:
    """Read what is looked at; the test cutoff is the latest of people left alone."""
    everybody = read_table(file, [name for name in OF_EVERY_ROW if name in _names(file)])
    is_marked = STANDS_FOR in everybody.columns
    history = untreated(everybody)
    test = _at(file, history["cutoff"].max())
    return Judged(
        file=file,
        history=history,
        rows=untreated(test),
        alone=(everybody[STANDS_FOR] > 0).to_numpy() if is_marked else np.ones(len(everybody), dtype=bool),
        touched=left_out(test) if is_marked else None,
        customers=len(test),
    )


def _names(file: Path) -> list[str]:
    return list(pq.read_schema(file).names) if file.exists() else []


def _at(file: Path, cutoff: pd.Timestamp) -> pd.DataFrame:
    with pq.ParquetFile(file) as table:
        moment = pa.scalar(cutoff.to_pydatetime(), table.schema_arrow.field("cutoff").type)
        batches = (pa.Table.from_batches([batch]) for batch in table.iter_batches(AT_ONCE))
        found = pa.concat_tables([rows.filter(pc.equal(rows["cutoff"], moment)) for rows in batches])
    rows: pd.DataFrame = found.to_pandas()
    return rows
