"""Discount: how much of the buying was paid for by the shop."""

from __future__ import annotations

from features.past import Column, Past, ratio
from features.registry import feature


@feature(unit="share", empty=None, windows_days=(365, None), needs=("discount", "revenue"))
def discount_share(past: Past) -> Column:
    """Discount over the value before discount."""
    orders = past.of("order")
    return ratio(orders.sum("discount"), orders.sum("discount") + orders.sum("revenue"))


@feature(unit="share", empty=None, windows_days=(365, None), needs=("discount",))
def discounted_orders_share(past: Past) -> Column:
    """Share of the orders that had a discount."""
    orders = past.of("order")
    return ratio(orders.total("discounted"), orders.count())
