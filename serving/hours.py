"""Quiet hours and days by the clock on the person's wall, which jumps twice a year in many zones; µs since 1970 UTC."""

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
    local = _local(instant_us, zone, default_zone)
    while _is_quiet(local.hour, start, end):
        # The wall clock decides, so the wait is an hour shorter or longer on the days the clocks change. A clock that
        # jumps over the whole of the allowed hours lands in quiet ones again: then the next day's count.
        day = local.date() if local.hour < end else local.date() + timedelta(days=1)
        opens = datetime.combine(day, time(end), tzinfo=local.tzinfo)
        # In an hour that comes twice, the first opening may have been before the wait began.
        first = _instant(opens)
        instant_us = first if first > instant_us else _in_utc(opens.replace(fold=1))
        local = _local(instant_us, zone, default_zone)
    return instant_us


def local_day(instant_us: int, zone: str, default_zone: str) -> tuple[int, int]:
    """The day [from, to) of the zone that holds the instant: 23 to 25 hours long where the clock jumps.

    An unknown or empty zone falls back to the default. A midnight that the clock skips is the moment it jumps; of one
    that comes twice, the first counts.
    """
    local = _local(instant_us, zone, default_zone)
    first, second = (
        _instant(datetime.combine(local.date() + timedelta(days=days), time(0), tzinfo=local.tzinfo)) for days in (0, 1)
    )
    return first, second


def _local(instant_us: int, zone: str, default_zone: str) -> datetime:
    return (_EPOCH + timedelta(microseconds=instant_us)).astimezone(_zone(zone, default_zone))


def _instant(local: datetime) -> int:
    """When the wall clock first shows that time, or, where it jumps over it, the moment of the jump."""
    first, second = (_in_utc(local.replace(fold=fold)) for fold in (0, 1))
    if first <= second:
        return first
    # Skipped (PEP 495): read with the offset before the jump it lies after it, with the one after the jump before it.
    before, after, zone = second, first, local.tzinfo
    offset = (_EPOCH + timedelta(microseconds=before)).astimezone(zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        is_before = (_EPOCH + timedelta(microseconds=middle)).astimezone(zone).utcoffset() == offset
        before, after = (middle, after) if is_before else (before, middle)
    return after


def _in_utc(local: datetime) -> int:
    return (local.astimezone(UTC) - _EPOCH) // _MICROSECOND


def _is_quiet(hour: int, start: int, end: int) -> bool:
    if start <= end:
        return start <= hour < end
    return hour >= start or hour < end


def _zone(name: str, default: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or default)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(default)
