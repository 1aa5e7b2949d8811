"""The calendar grid of cutoffs: fixed days, not counted back from today, so yesterday's rows stay valid tomorrow."""

from __future__ import annotations

from features.errors import DataError
from features.log import DAY_US


def end_of_data(last_event_us: int) -> int:
    """The first midnight (UTC) at or after the moment behind the last event."""
    return -(-(last_event_us + 1) // DAY_US) * DAY_US


def closed_cutoffs(
    first_order_us: int, as_of_us: int, horizon_days: int, every_days: int, test_cutoff_us: int | None = None
) -> tuple[int, ...]:
    """Grid cutoffs, ascending, that have an order before them and a horizon fully observed by `as_of`.

    The grid runs in steps of `every_days` through 1970-01-01, or through `test_cutoff` when one is given, which is
    then also the last. Raises DataError when fewer than two cutoffs are closed.
    """
    step, horizon = every_days * DAY_US, horizon_days * DAY_US
    last_closed = as_of_us - horizon
    anchor = test_cutoff_us or 0
    latest = last_closed if test_cutoff_us is None else test_cutoff_us
    if latest > last_closed:
        raise DataError(
            f"snapshots.test_cutoff lies {(latest - last_closed) / DAY_US:.0f} days too late: its {horizon_days}-day "
            "horizon is not over by as_of. Choose an earlier date or a shorter snapshots.horizon_days."
        )
    latest -= (latest - anchor) % step
    closed = tuple(range(latest, first_order_us, -step))[::-1]
    if len(closed) < 2:
        days = (as_of_us - first_order_us) / DAY_US
        raise DataError(
            f"{len(closed)} closed cutoff(s), and two are needed: the data spans {days:.0f} days, the horizon takes "
            f"{horizon_days} and cutoffs lie every {every_days} days. Lower snapshots.horizon_days or "
            "snapshots.every_days, or pull a longer history."
        )
    return closed
