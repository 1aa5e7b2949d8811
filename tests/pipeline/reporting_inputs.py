"""Small clean tables typed by hand, for the tests of the report."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa

from features.tables import ORDERS
from pipeline.files import write_table

OrderRow = tuple[str, str, str, str | None]


def write_orders(path: Path, rows: Sequence[OrderRow], currency: str | None = None) -> Path:
    """Write orders of (order_id, customer_id, day, revenue); an order is known when it happens."""
    moments = [pd.Timestamp(day, tz="UTC").to_pydatetime() for _, _, day, _ in rows]
    columns: dict[str, list[object]] = {name: [None] * len(rows) for name in ORDERS.names}
    columns |= {
        "order_id": [row[0] for row in rows],
        "customer_id": [row[1] for row in rows],
        "ordered_at": list(moments),
        "known_at": list(moments),
        "revenue": [None if row[3] is None else Decimal(row[3]) for row in rows],
        "currency": [currency] * len(rows),
    }
    write_table(path, pa.table(columns, schema=ORDERS))
    return path
