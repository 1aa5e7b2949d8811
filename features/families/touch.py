"""Touches: what we sent on purpose."""

from __future__ import annotations

from features.past import Column, Past
from features.registry import feature


@feature(unit="count", empty=0.0, windows_days=(30, 90, 365), needs=("touch",))
def touches(past: Past) -> Column:
    """Touches received in the window."""
    return past.of("touch").count()


@feature(unit="days", empty=None, needs=("touch",))
def days_since_last_touch(past: Past) -> Column:
    """Days from the last touch."""
    return past.of("touch").days_since_last()
