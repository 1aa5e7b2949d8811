"""The sufficient statistics of buy-till-you-die models, in days, on shopping days (Fader, Hardie & Lee 2005)."""

from __future__ import annotations

from features.past import Column, Past
from features.registry import feature


@feature(unit="count", empty=0.0)
def btyd_x(past: Past) -> Column:
    """Repeat shopping days: distinct days with an order, minus the first."""
    return past.of("occasion").count() - 1.0


@feature(unit="days", empty=0.0)
def btyd_t_x(past: Past) -> Column:
    """Days from the first shopping day to the last; 0 for one-time buyers."""
    occasions = past.of("occasion")
    return occasions.days_since_first() - occasions.days_since_last()


@feature(unit="days", empty=0.0)
def btyd_T(past: Past) -> Column:  # noqa: N802 - the literature's symbol
    """Days from the first shopping day to the cutoff."""
    return past.of("occasion").days_since_first()
