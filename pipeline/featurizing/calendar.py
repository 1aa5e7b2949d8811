"""When to look: the params' calendar, given when the data starts and ends. Every engine asks here."""

from __future__ import annotations

from datetime import UTC, datetime

from features.block import Calendar
from features.cutoffs import closed_cutoffs, end_of_data
from pipeline.params import Snapshots


def calendar_between(first_order_us: int, last_event_us: int, snapshots: Snapshots) -> Calendar:
    """`as_of` and the closed cutoffs in use; raises DataError when fewer than two are closed."""
    as_of = end_of_data(last_event_us) if snapshots.as_of is None else instant(snapshots.as_of)
    test = None if snapshots.test_cutoff is None else instant(snapshots.test_cutoff)
    closed = closed_cutoffs(first_order_us, as_of, snapshots.horizon_days, snapshots.every_days, test)
    return Calendar(closed[-snapshots.max_cutoffs :], as_of)


def instant(text: str) -> int:
    """A date or time of the params as microseconds UTC; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return round(moment.timestamp() * 1_000_000)
