"""Returns and cancellations, each at the time it became known."""

from __future__ import annotations

from features.past import Column, Past, ratio
from features.registry import feature


@feature(unit="count", empty=0.0, windows_days=(90, 365), needs=("refund",))
def refunds(past: Past) -> Column:
    """Refunds in the window."""
    return past.of("refund").count()


@feature(unit="share", empty=None, windows_days=(365, None), needs=("refund", "revenue"))
def refund_share(past: Past) -> Column:
    """Amount refunded over order value; above 1 when older orders came back."""
    return ratio(past.of("refund").sum(), past.of("order").sum("revenue"))


@feature(unit="days", empty=None, needs=("refund",))
def days_since_last_refund(past: Past) -> Column:
    """Days from the last refund."""
    return past.of("refund").days_since_last()


@feature(unit="count", empty=0.0, windows_days=(90, 365), needs=("cancellation",))
def cancellations(past: Past) -> Column:
    """Orders cancelled in the window."""
    return past.of("cancellation").count()


@feature(unit="days", empty=None, needs=("cancellation",))
def days_since_last_cancellation(past: Past) -> Column:
    """Days from the last cancellation."""
    return past.of("cancellation").days_since_last()
