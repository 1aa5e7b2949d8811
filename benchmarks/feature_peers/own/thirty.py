"""The thirty columns that every peer computes as well, declared as a shop declares its own: features.thirty.

Not one of the engine's families: they exist so that all ways are asked for the very same numbers.
"""

from __future__ import annotations

from benchmarks.feature_peers.spec import KINDS, WINDOWS_DAYS, age_name
from features.past import Column, Past
from features.registry import feature


def _declare(kind: str) -> None:
    def count(past: Past) -> Column:
        """Events of one kind in the window."""
        return past.of(kind).count()

    def age(past: Past) -> Column:
        """Days from the last event of one kind to the cutoff."""
        return past.of(kind).days_since_last()

    count.__name__, age.__name__ = f"n_{kind}", age_name(kind)
    feature(unit="count", empty=0.0, windows_days=WINDOWS_DAYS)(count)
    feature(unit="days", empty=None)(age)


for _kind in KINDS:
    _declare(_kind)
