"""Random records as clean tables, for tests that begin where `check` ends."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.kinds import KINDS
from features.records import Records
from features.tables import ENGAGEMENT, ORDER_ITEMS, ORDERS, TIME
from pipeline.featurizing.tampering import ShopTables


def table(schema: pa.Schema, **columns: object) -> pa.Table:
    """Columns under a schema; those not given are all null."""
    rows = len(next(iter(columns.values())))  # type: ignore[arg-type]
    return pa.table(
        {
            f.name: pa.array(columns[f.name]).cast(f.type) if f.name in columns else pa.nulls(rows, f.type)
            for f in schema
        }
    )


def clean_shop(records: Records, lag_us: int = 0) -> ShopTables:
    """Clean tables of random records; every fact becomes known `lag_us` after it happened."""
    orders, events, items = records.orders, records.engagement, records.items
    names, order_ids = np.array(records.customer_ids), np.arange(len(orders["time"])).astype(str)
    return ShopTables(
        table(
            ORDERS,
            order_id=order_ids,
            customer_id=names[orders["customer"]],
            ordered_at=pa.array(orders["time"] - lag_us).cast(TIME),
            known_at=pa.array(orders["time"]).cast(TIME),
            revenue=orders["revenue"] / 1e4,
            discount=orders["discount"] / 1e4,
            units=orders["units"] / 1e4,
        ),
        table(
            ENGAGEMENT,
            event_id=np.arange(len(events["time"])).astype(str),
            customer_id=names[events["customer"]],
            occurred_at=pa.array(events["time"] - lag_us).cast(TIME),
            known_at=pa.array(events["time"]).cast(TIME),
            kind=np.array(KINDS)[events["kind"]],
            value=events["value"] / 1e4,
        ),
        table(
            ORDER_ITEMS,
            order_id=order_ids[items["order"]],
            product_id=items["product"].astype(str),
            category=items["category"].astype(str),
            quantity=items["quantity"] / 1e4,
        ),
    )
