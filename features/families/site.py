"""Site engagement: visits, views, searches and carts."""

from __future__ import annotations

from features.past import Column, Past, ratio
from features.registry import feature


@feature(unit="count", empty=0.0, windows_days=(7, 14, 30, 90), needs=("session",))
def sessions(past: Past) -> Column:
    """Visits in the window."""
    return past.of("session").count()


@feature(unit="count", empty=0.0, windows_days=(14, 30, 90), needs=("product_view",))
def product_views(past: Past) -> Column:
    """Products looked at in the window."""
    return past.of("product_view").count()


@feature(unit="count", empty=0.0, windows_days=(30, 90), needs=("search",))
def searches(past: Past) -> Column:
    """Searches in the window."""
    return past.of("search").count()


@feature(unit="count", empty=0.0, windows_days=(14, 30, 90), needs=("cart_add",))
def cart_adds(past: Past) -> Column:
    """Products put into the cart in the window."""
    return past.of("cart_add").count()


@feature(unit="ratio", empty=None, windows_days=(90,), needs=("session",))
def sessions_per_order(past: Past) -> Column:
    """Visits for each order in the window; missing without an order."""
    return ratio(past.of("session").count(), past.of("order").count())


@feature(unit="ratio", empty=None, windows_days=(90,), needs=("product_view", "session"))
def views_per_session(past: Past) -> Column:
    """Products looked at in a mean visit."""
    return ratio(past.of("product_view").count(), past.of("session").count())
