"""Snapshots as Arrow tables: what `history.parquet` and `current.parquet` hold, whoever computed them."""

from __future__ import annotations

import pyarrow as pa

from features.asof import Label, Snapshot
from features.block import BlockFeatures
from features.rows import Rows

TIME = pa.timestamp("us", tz="UTC")


def history_table(block: BlockFeatures) -> pa.Table:
    """One row per customer and cutoff: `customer_id`, `cutoff`, the columns, then the label."""
    return _table(block.history, "cutoff", block.outcome)


def current_table(block: BlockFeatures) -> pa.Table:
    """One row per customer of today: `customer_id`, `as_of`, the columns."""
    return _table(block.current, "as_of")


def history_schema(columns: tuple[str, ...]) -> pa.Schema:
    """Schema of the history with these feature columns."""
    outcome = [("churned", pa.int8()), ("future_orders", pa.int32()), ("future_revenue", pa.float64())]
    return _schema(columns, "cutoff", outcome)


def current_schema(columns: tuple[str, ...]) -> pa.Schema:
    """Schema of today's table with these feature columns."""
    return _schema(columns, "as_of", [])


def ids_of(rows: Rows) -> pa.Array:
    """The customer of each row."""
    return pa.array(rows.log.customer_ids, pa.string()).take(pa.array(rows.customer))


def _schema(columns: tuple[str, ...], when: str, outcome: list[tuple[str, pa.DataType]]) -> pa.Schema:
    return pa.schema(
        [("customer_id", pa.string()), (when, TIME), *((name, pa.float64()) for name in columns), *outcome]
    )


def _table(known: Snapshot, when: str, outcome: Label | None = None) -> pa.Table:
    columns: dict[str, object] = {
        "customer_id": ids_of(known.rows),
        when: pa.array(known.cutoffs_us, pa.int64()).cast(TIME),
        **{name: known.values[:, place] for place, name in enumerate(known.columns)},
    }
    return pa.table(columns | ({} if outcome is None else vars(outcome)))
