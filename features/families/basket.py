"""Basket and novelty: what an order holds, and how much of it is new to the customer."""

from __future__ import annotations

from features.past import Column, Past, ratio
from features.registry import feature


@feature(unit="count", empty=None, windows_days=(365, None), needs=("units",))
def units_per_order(past: Past) -> Column:
    """Units in a mean order of the window."""
    return past.of("order").mean("units")


@feature(unit="count", empty=None, needs=("order_items",))
def products_per_order(past: Past) -> Column:
    """Distinct products in a mean order."""
    orders = past.of("order")
    return ratio(orders.total("products"), orders.count())


@feature(unit="count", empty=None, needs=("order_items",))
def categories_per_order(past: Past) -> Column:
    """Distinct categories in a mean order."""
    orders = past.of("order")
    return ratio(orders.total("categories"), orders.count())


@feature(unit="count", empty=0.0, needs=("order_items",))
def products_tried(past: Past) -> Column:
    """Distinct products bought so far."""
    return past.of("order").total("new_products")


@feature(unit="share", empty=None, windows_days=(180, 365), needs=("order_items",))
def new_product_share(past: Past) -> Column:
    """Share of the products in the window's orders that the customer had never bought before."""
    orders = past.of("order")
    return ratio(orders.total("new_products"), orders.total("products"))
