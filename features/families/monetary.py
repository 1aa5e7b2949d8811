"""Monetary: what the orders were worth."""

from __future__ import annotations

import numpy as np

from features.log import LOG_SCALE, SCALE
from features.past import Column, Past, ratio
from features.registry import feature


@feature(unit="money", empty=0.0, windows_days=(30, 90, 365, None), needs=("revenue",))
def spend(past: Past) -> Column:
    """Order value in the window, after discounts; a refund is an event of its own."""
    return past.of("order").sum("revenue")


@feature(unit="money", empty=None, windows_days=(365, None), needs=("revenue",))
def order_value_mean(past: Past) -> Column:
    """Mean value of the orders in the window."""
    return past.of("order").mean("revenue")


@feature(unit="money", empty=None, needs=("revenue",))
def order_value_largest(past: Past) -> Column:
    """Value of the largest order so far."""
    return past.of("order").longest("revenue") / SCALE


@feature(unit="money", empty=None, needs=("revenue",))
def order_value_last(past: Past) -> Column:
    """Value of the last order."""
    return past.of("order").last("revenue") / SCALE


@feature(unit="log money", empty=None, needs=("revenue",))
def order_value_spread(past: Past) -> Column:
    """Standard deviation of the logarithm of the order values: 0 when every order is worth the same."""
    orders = past.of("order")
    mean = ratio(orders.total("log_revenue"), orders.count())
    square = ratio(orders.total("log_revenue_squared"), orders.count())
    return np.sqrt(np.maximum(square - mean**2, 0.0)) / LOG_SCALE
