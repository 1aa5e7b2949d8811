"""Rows of the store as clean tables again, for the leakage proof: what the store does not keep is empty or made up."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa

from features.kinds import KINDS
from features.log import SCALE, Columns, Ints
from features.tables import ENGAGEMENT, MONEY, ORDER_ITEMS, ORDERS, TIME


def clean_tables(
    ids: list[str], orders: Columns, events: Columns, items: Columns
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Orders, engagement and items of customers by number (an order's may be -1); a fact happened when it was known."""
    orders = _numbered(orders)
    held = np.isin(items["order"], orders["order"])
    names = pa.array(ids, pa.string())
    at, when = (pa.array(rows["time"]).cast(TIME) for rows in (orders, events))
    return (
        _table(
            ORDERS,
            len(at),
            order_id=_text(orders["order"]),
            customer_id=names.take(pa.array(orders["customer"])),
            ordered_at=at,
            known_at=at,
            revenue=_money(orders["revenue"]),
            discount=_money(orders["discount"]),
            units=pa.array(orders["units"] / SCALE),
        ),
        _table(
            ENGAGEMENT,
            len(when),
            event_id=_text(np.arange(len(when))),
            customer_id=names.take(pa.array(events["customer"])),
            occurred_at=when,
            known_at=when,
            kind=pa.array(KINDS).take(pa.array(events["kind"])),
            value=_money(events["value"]),
        ),
        _table(
            ORDER_ITEMS,
            int(held.sum()),
            order_id=_text(items["order"][held]),
            product_id=_text(items["product"][held]),
            category=_text(items["category"][held]),
            quantity=pa.array(np.ones(int(held.sum()))),
        ),
    )


def _numbered(rows: Columns) -> Columns:
    own = rows["customer"] >= 0
    return {name: values[own] for name, values in rows.items()}


def _table(schema: pa.Schema, rows: int, **columns: pa.Array) -> pa.Table:
    return pa.table({one.name: columns.get(one.name, pa.nulls(rows, one.type)) for one in schema}, schema=schema)


def _text(codes: Ints) -> pa.Array:
    return pa.array(codes).cast(pa.string())


def _money(ten_thousandths: Ints) -> pa.Array:
    return pa.array([Decimal(value).scaleb(-4) for value in ten_thousandths.tolist()], MONEY)
