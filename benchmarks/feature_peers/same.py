"""Proof that two ways gave the same numbers: a comparison of speed between different answers is worth nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.feature_peers.spec import AGES, COUNTS

CLOSE_DAYS = 1e-9


class UnequalError(Exception):
    """Two ways that should agree do not; says where."""


def same_numbers(ours: Path, theirs: Path) -> int:
    """Rows compared; raises UnequalError at the first column that differs in any row."""
    left, right = _sorted(ours), _sorted(theirs)
    if left.num_rows != right.num_rows:
        raise UnequalError(f"{ours.name} has {left.num_rows} rows and {theirs.name} {right.num_rows}")
    for key in ("customer_id", "cutoff"):
        if left[key].combine_chunks() != right[key].combine_chunks():
            raise UnequalError(f"{ours.name} and {theirs.name} have other rows: {key}")
    for name in (*COUNTS, *AGES):
        _require_same(name, _numbers(left[name]), _numbers(right[name]), theirs.name)
    return int(left.num_rows)


def _require_same(name: str, ours: NDArray[np.float64], theirs: NDArray[np.float64], who: str) -> None:
    tolerance = CLOSE_DAYS if name in AGES else 0.0
    near = (np.abs(ours - theirs) <= tolerance) | (np.isnan(ours) & np.isnan(theirs))
    if not near.all():
        row = int(np.argmin(near))
        raise UnequalError(
            f"{name}: {int((~near).sum())} rows differ in {who}, the first {ours[row]} against {theirs[row]}"
        )


def _sorted(path: Path) -> pa.Table:
    table = pq.read_table(path)
    customer = pc.cast(table["customer_id"], pa.string())
    table = table.set_column(table.schema.get_field_index("customer_id"), "customer_id", customer)
    return table.sort_by([("customer_id", "ascending"), ("cutoff", "ascending")])


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.cast(pa.float64()).fill_null(np.nan))
