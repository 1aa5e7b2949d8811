"""Decayed activity: totals in which an event counts half after each half-life."""

from __future__ import annotations

from features.past import Column, Past
from features.registry import feature


@feature(unit="count", empty=0.0, per_half_life=True)
def orders_decayed(past: Past) -> Column:
    """Orders, each worth half after every half-life."""
    return past.of("order").decayed()


@feature(unit="money", empty=0.0, per_half_life=True, needs=("revenue",))
def spend_decayed(past: Past) -> Column:
    """Order value, worth half after every half-life."""
    return past.of("order").decayed("revenue")


@feature(unit="count", empty=0.0, per_half_life=True, needs=("session",))
def sessions_decayed(past: Past) -> Column:
    """Visits, each worth half after every half-life."""
    return past.of("session").decayed()


@feature(unit="count", empty=0.0, per_half_life=True, needs=("engagement",))
def interest_decayed(past: Past) -> Column:
    """Views, searches, carts and e-mail clicks, each worth half after every half-life."""
    return past.of("product_view", "search", "cart_add", "email_click").decayed()
