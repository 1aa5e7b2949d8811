"""Quiet hours: when a message may go out by the clock on the person's wall."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def next_allowed(instant_us: int, zone: str, quiet_hours: tuple[int, int], default_zone: str) -> int:
    """The first moment at or after `instant_us` outside the quiet hours [from, to) of the zone; equal hours: none are.

    An unknown or empty zone falls back to the default. Microseconds since 1970 UTC.
    """
    start, end = quiet_hours
    local = (_EPOCH + timedelta(microseconds=instant_us)).astimezone(_zone(zone, default_zone))
    if not _is_quiet(local.hour, start, end):
        return instant_us
    # The wall clock decides, so the wait is an hour shorter or longer on the days the clocks change.
    day = local.date() if local.hour < end else local.date() + timedelta(days=1)
    opens = datetime.combine(day, time(end), tzinfo=local.tzinfo)
    return (opens.astimezone(UTC) - _EPOCH) // _MICROSECOND


def _is_quiet(hour: int, start: int, end: int) -> bool:
    if start <= end:
        return start <= hour < end
    return hour >= start or hour < end


def _zone(name: str, default: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or default)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(default)
