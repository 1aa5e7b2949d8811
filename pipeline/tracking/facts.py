"""What a run must keep so that it can be compared later, when its data is gone: facts of the tables, and test rows.

A column is kept as SAMPLE evenly spaced order statistics, empty ones last: enough for a stability index (PSI) between
any two runs, whichever comes first, in a few hundred kilobytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import DataError

SAMPLE = 200
DIGITS = 6
KEPT = (
    "customer_id",
    "cutoff",
    "churned",
    "churn_probability",
    "orders_ever",
    "tenure_days",
    "revenue_if_kept",
    "reasons",
)
NOT_FEATURES = ("customer_id", "cutoff", "churned", "future_orders", "future_revenue", "stands_for")
TIMES = ("cutoff", "as_of", "ordered_at", "occurred_at", "first_seen_at", "known_at")


def table_facts(places: Sequence[Path]) -> dict[str, object]:
    """Rows, period and column types of every Parquet table at or under the places."""
    return {str(file): _facts(file) for place in places for file in _tables(place)}


def column_samples(history: Path) -> dict[str, list[float | None]]:
    """Every number column of the history, as its sample; read one column at a time, so memory stays bounded."""
    if not history.exists():
        return {}
    schema = pq.read_schema(history)
    names = [name for name in schema.names if name not in NOT_FEATURES and _is_number(schema.field(name).type)]
    return {name: _sample(pd.read_parquet(history, columns=[name])[name].to_numpy(np.float64)) for name in names}


def kept_rows(predictions: Path) -> pa.Table:
    """Test rows with our probability, orders so far and reasons; without the other candidates."""
    if not predictions.exists():
        raise DataError(f"{predictions} is not there; run `dvc repro evaluate` to make it.")
    names = pq.read_schema(predictions).names
    return pq.read_table(predictions, columns=[name for name in KEPT if name in names])


def stepped(backtest: Mapping[str, object], candidate: str) -> dict[str, dict[int, float]]:
    """The backtest as curves: `backtest_log_loss` by days since 1970 of the origin, so that runs meet on one axis."""
    candidates, origins = backtest.get("candidates"), backtest.get("origins")
    values = candidates.get(candidate) if isinstance(candidates, Mapping) else None
    if not isinstance(values, Mapping) or not isinstance(origins, list):
        return {}
    days = [int(pd.Timestamp(str(origin)).timestamp() // 86_400) for origin in origins]
    return {
        f"backtest_{name}": {day: float(value) for day, value in zip(days, each, strict=False) if _is_known(value)}
        for name, each in values.items()
        if isinstance(each, list)
    }


def _tables(place: Path) -> Iterator[Path]:
    if place.suffix == ".parquet" and place.is_file():
        yield place
    elif place.is_dir():
        yield from sorted(place.rglob("*.parquet"))


def _facts(file: Path) -> dict[str, object]:
    about = pq.ParquetFile(file)
    types = {field.name: str(field.type) for field in about.schema_arrow}
    period = next((_period(file, name) for name in TIMES if name in types), (None, None))
    return {"rows": about.metadata.num_rows, "columns": types, "from": period[0], "to": period[1]}


def _period(file: Path, name: str) -> tuple[str | None, str | None]:
    times = pd.read_parquet(file, columns=[name])[name].dropna()
    return (
        (pd.Timestamp(times.min()).isoformat(), pd.Timestamp(times.max()).isoformat()) if len(times) else (None, None)
    )


def _sample(values: np.ndarray) -> list[float | None]:
    known = np.sort(values[~np.isnan(values)])
    if len(known) == 0:
        return [None] * SAMPLE if len(values) else []
    filled = max(1, round(SAMPLE * len(known) / len(values)))
    places = np.round((np.arange(filled) + 0.5) / filled * len(known) - 0.5).astype(np.int64)
    drawn = [float(f"{value:.{DIGITS}g}") for value in known[np.clip(places, 0, len(known) - 1)]]
    return [*drawn, *([None] * (SAMPLE - filled))]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _is_known(value: object) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))
