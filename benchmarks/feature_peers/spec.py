"""The thirty columns by name: how often each of five kinds happened in five windows, and how long ago it last did."""

from __future__ import annotations

KINDS = ("order", "session", "product_view", "cart_add", "email_click")
ENGAGEMENT = KINDS[1:]
WINDOWS_DAYS = (7, 30, 90, 180, 365)
DAY_US = 86_400_000_000
REQUEST_EVENTS = 1_000


def count_name(kind: str, days: int) -> str:
    """Name of the column that counts a kind's events in `[cutoff - days, cutoff)`."""
    return f"n_{kind}_{days}d"


def age_name(kind: str) -> str:
    """Name of the column with the days from a kind's last event to the cutoff; missing when there was none."""
    return f"age_{kind}"


COUNTS = tuple(count_name(kind, days) for kind in KINDS for days in WINDOWS_DAYS)
AGES = tuple(age_name(kind) for kind in KINDS)
