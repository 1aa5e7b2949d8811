"""Tenure: how long someone has been a customer, and how the start went."""

from __future__ import annotations

from features.past import Column, Past, ratio
from features.registry import feature


@feature(unit="days", empty=None)
def tenure_days(past: Past) -> Column:
    """Days from the first order to the cutoff."""
    return past.of("order").days_since_first()


@feature(unit="ratio", empty=None)
def occasions_per_year(past: Past) -> Column:
    """Shopping days per year of tenure, a month at least."""
    occasions = past.of("occasion")
    years = (occasions.days_since_first() + 30.0) / 365.25
    return ratio(occasions.count(), years)


@feature(unit="days", empty=None)
def second_order_after_days(past: Past) -> Column:
    """Days from the first shopping day to the second; missing for one-time buyers."""
    return past.of("occasion").days_from_first_to(1)
