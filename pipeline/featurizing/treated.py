"""Which rows of the history speak of people left alone: the label of whom we touched within the horizon is another's.

`stands_for` says how many rows like it a row is: 0 for a customer touched in [cutoff, cutoff + horizon), 1 as a rule,
and more for one whom only the lot kept from a touch, for the touched ones like it are left out: 1/P(untouched), in
whole numbers, rounded by a draw of its own. The column is there only when some row is not a 1.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.decided import DECISIONS_FILE
from features.log import DAY_US
from pipeline import paths
from pipeline.featurizing.output import packing
from pipeline.files import read_table, written_aside
from pipeline.stage import progress
from pipeline.untreated import STANDS_FOR

LEAST_CHANCE = 0.05  # of staying untouched: no row stands for more than twenty
Standing = dict[tuple[str, int], int]  # customer and cutoff (µs), where it is not 1


def mark_treated(history: Path, horizon_days: int) -> None:
    """Add the column to the history when our own touches fall into its horizons; else it stays as it is."""
    file = paths.CLEAN / DECISIONS_FILE
    if not file.exists():
        return
    decisions = read_table(file)
    moments = np.unique(_microseconds(pq.read_table(history, columns=["cutoff"])["cutoff"]))
    standing: Standing = {}
    for cutoff in moments.tolist():
        found = standing_at(decisions, cutoff, horizon_days)
        standing |= {(name, cutoff): count for name, count in found.items() if count != 1}
    if standing:
        left_out = _rewrite(history, standing)
        progress(f"{left_out:,} rows of customers we touched within the horizon teach nothing of people left alone")


def standing_at(decisions: pd.DataFrame, cutoff_us: int, horizon_days: int) -> dict[str, int]:
    """For every customer decided on or touched in the horizon: how many rows the customer stands for."""
    end_us = cutoff_us + horizon_days * DAY_US
    touched = _inside(decisions, "delivered_at", cutoff_us, end_us)["customer_id"]
    decided = _inside(decisions, "as_of", cutoff_us, end_us)
    alone = 1.0 - np.array([min(sum(orjson.loads(text).values()), 1.0) for text in decided["chances"]])
    passed = pd.Series(alone, dtype=np.float64).groupby(decided["customer_id"].to_numpy(object)).prod()
    control = decided.groupby("customer_id")["control_share"].first()
    untouched = (control + (1.0 - control) * passed).clip(lower=LEAST_CHANCE)
    found = {str(name): _whole(1.0 / chance, f"{name} {cutoff_us}") for name, chance in untouched.items()}
    return found | dict.fromkeys(touched.astype(str).tolist(), 0)


def _inside(decisions: pd.DataFrame, column: str, begin_us: int, end_us: int) -> pd.DataFrame:
    begin, end = (pd.Timestamp(moment, unit="us", tz="UTC") for moment in (begin_us, end_us))
    return decisions[(decisions[column] >= begin) & (decisions[column] < end)]


def _whole(value: float, name: str) -> int:
    lot = int.from_bytes(blake2b(name.encode(), digest_size=6).digest()) / 2**48
    return int(np.floor(value + lot))


def _rewrite(history: Path, standing: Standing) -> int:
    left_out = 0
    with pq.ParquetFile(history) as file, written_aside(history) as aside:
        schema = file.schema_arrow.append(pa.field(STANDS_FOR, pa.int8()))
        with pq.ParquetWriter(aside, schema, **packing(schema)) as writer:
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group)
                pairs = zip(rows["customer_id"].to_pylist(), _microseconds(rows["cutoff"]).tolist(), strict=True)
                counts = np.array([standing.get(pair, 1) for pair in pairs], dtype=np.int8)
                left_out += int((counts == 0).sum())
                writer.write_table(rows.append_column(schema.field(STANDS_FOR), pa.array(counts)), len(rows))
    return left_out


def _microseconds(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()))
