"""Customers whom the two runs put into different deciles of risk, and the reasons each run gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from models.segments import deciles
from pipeline.comparing.sides import Shared

SHOWN = 40
FAR = 3  # deciles
REASONS_SHOWN = 5


def moves(rows: Shared) -> dict[str, object]:
    """The table decile by decile, the customers who moved farthest, and what is new among the reasons."""
    first, second = (deciles(each, rows.customer_ids).astype(np.int64) for each in rows.probabilities)
    table = np.zeros((10, 10), dtype=np.int64)
    np.add.at(table, (first - 1, second - 1), 1)
    moved = second - first
    return {
        "table": table.tolist(),
        "stayed": int((moved == 0).sum()),
        "moved": int((moved != 0).sum()),
        "far": int((np.abs(moved) >= FAR).sum()),
        "far_means": FAR,
        "customers": [_customer(rows, int(row), first, second) for row in _farthest(rows, moved)],
        "riskier": _new_reasons(rows, moved < 0),
        "safer": _new_reasons(rows, moved > 0),
    }


def _farthest(rows: Shared, moved: np.ndarray) -> np.ndarray:
    before, after = rows.probabilities
    order = np.lexsort((rows.customer_ids.astype(str), -np.abs(after - before), -np.abs(moved)))
    return np.asarray(order[moved[order] != 0][:SHOWN], dtype=np.int64)


def _customer(rows: Shared, row: int, first: np.ndarray, second: np.ndarray) -> dict[str, object]:
    before, after = (each[row] for each in rows.probabilities)
    reasons_a, reasons_b = (_reasons(side, row) for side in (rows.first, rows.second))
    known = {str(reason["feature"]) for reason in reasons_a}
    return {
        "customer": str(rows.customer_ids[row]),
        "left": bool(rows.churned[row]),
        "decile_a": int(first[row]),
        "decile_b": int(second[row]),
        "direction": "riskier" if second[row] < first[row] else "safer",
        "probability_a": round(float(before), 6),
        "probability_b": round(float(after), 6),
        "reasons_a": reasons_a,
        "reasons_b": [reason | {"new": str(reason["feature"]) not in known} for reason in reasons_b],
    }


def _reasons(side: pd.DataFrame, row: int) -> list[dict[str, object]]:
    if "reasons" not in side.columns:
        return []
    return [_reason(reason) for reason in side["reasons"].iloc[row]]


def _reason(reason: Mapping[str, object]) -> dict[str, object]:
    value = reason["value"]
    known = isinstance(value, float) and not np.isnan(value)
    shown = float(f"{value:.4g}") if known else None
    return {"feature": str(reason["feature"]), "value": shown, "direction": str(reason["direction"])}


def _new_reasons(rows: Shared, moved: np.ndarray) -> dict[str, object]:
    """Which features are among the second run's reasons but not the first's, for those who moved one way."""
    counted: Counter[str] = Counter()
    for row in np.flatnonzero(moved):
        known = {str(reason["feature"]) for reason in _reasons(rows.first, int(row))}
        counted.update({str(reason["feature"]) for reason in _reasons(rows.second, int(row))} - known)
    most = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:REASONS_SHOWN]
    return {
        "customers": int(moved.sum()),
        "left": int(rows.churned[moved].sum()),
        "features": [{"feature": feature, "customers": count} for feature, count in most],
    }
