"""`data/predictions.parquet`: what each candidate said of the test rows, and why ours said it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from models.explaining import as_records, explained, tree_explainer
from models.metrics import Floats
from models.scorer import TREES_UBJ, Scorer
from models.segments import customer_groups

REASONS_KEPT = 3
ORDERS, TENURE = "orders_ever", "tenure_days"
_FIRST_ORDER = "btyd_T"  # days since the first order; always among the features, as `tenure_days` is not
REASONS = pa.list_(pa.struct([("feature", pa.string()), ("value", pa.float64()), ("direction", pa.string())]))


def predictions(rows: pd.DataFrame, ours: Floats, candidates: Mapping[str, Floats]) -> pd.DataFrame:
    """Who, when, what happened, our probability and each candidate's, and how many orders there were in what time."""
    known = rows[["customer_id", "cutoff", "churned"]].assign(churn_probability=ours, **dict(candidates))
    return known.assign(**{ORDERS: rows[ORDERS], TENURE: rows[_FIRST_ORDER]}) if ORDERS in rows.columns else known


def groups_of(told: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """The groups of customers that predictions are judged by; none where the orders so far are not told."""
    if ORDERS not in told.columns:
        return {}
    tenure = told[TENURE].to_numpy(np.float64) if TENURE in told.columns else None
    return customer_groups(told[ORDERS].to_numpy(np.float64), tenure)


def with_reasons(
    told: pd.DataFrame, values: Floats, scorer: Scorer, folder: Path, catalogue: Mapping[str, object]
) -> pa.Table:
    """The same with the strongest reasons of the scorer that lies in `folder`, for who compares two runs."""
    trees = folder / TREES_UBJ
    explain = tree_explainer(trees.read_bytes()) if scorer.run_trees is not None else None
    columns = cast("list[Mapping[str, object]]", catalogue["columns"])
    families = {str(column["name"]): str(column["family"]) for column in columns}
    reasons = explained(scorer, explain, values, families, REASONS_KEPT)
    table = pa.Table.from_pandas(told, preserve_index=False)
    return table.append_column("reasons", pa.array(as_records(reasons), REASONS))
