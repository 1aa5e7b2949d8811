"""Frequency: how often a customer bought."""

from __future__ import annotations

from features.past import Column, Past
from features.registry import feature


@feature(unit="count", empty=0.0, windows_days=(30, 90, 180, 365, None))
def orders(past: Past) -> Column:
    """Orders in the window."""
    return past.of("order").count()


@feature(unit="count", empty=0.0, windows_days=(90, 365, None))
def occasions(past: Past) -> Column:
    """Distinct shopping days (UTC) that began in the window: two orders on one day are one occasion."""
    return past.of("occasion").count()
