"""Quiet hours by the clock on the wall, also in the two nights a year when it jumps."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from serving.hours import local_day, next_allowed

HOUR, QUARTER = 3_600_000_000, 900_000_000


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


CASES = {
    "noon goes out at once": ("2026-01-01T12:00", "UTC", (21, 8), "2026-01-01T12:00"),
    "late evening waits for the morning": ("2026-01-01T22:00", "UTC", (21, 8), "2026-01-02T08:00"),
    "early morning waits for the same morning": ("2026-01-02T03:00", "UTC", (21, 8), "2026-01-02T08:00"),
    "the first quiet minute waits": ("2026-01-01T21:00", "UTC", (21, 8), "2026-01-02T08:00"),
    "the first loud minute goes out": ("2026-01-01T08:00", "UTC", (21, 8), "2026-01-01T08:00"),
    "noon in London is night in Auckland": ("2026-01-01T12:00", "Pacific/Auckland", (21, 8), "2026-01-01T19:00"),
    "clocks forward: the night is an hour shorter": ("2026-03-28T22:00", "Europe/London", (21, 8), "2026-03-29T07:00"),
    "clocks back: the night is an hour longer": ("2026-10-24T22:00", "Europe/London", (21, 8), "2026-10-25T08:00"),
    "an opening that the clock skips comes an hour on": (
        "2026-03-28T23:00",
        "Europe/London",
        (21, 1),
        "2026-03-29T01:00",
    ),
    "quiet hours within one day": ("2026-01-01T13:00", "UTC", (12, 14), "2026-01-01T14:00"),
    "equal hours: no quiet": ("2026-01-01T13:00", "UTC", (13, 13), "2026-01-01T13:00"),
    "half an hour beside the full": ("2026-01-01T16:00", "Asia/Kolkata", (21, 8), "2026-01-02T02:30"),
    "a quarter beside the full": ("2026-01-01T16:00", "Asia/Kathmandu", (21, 8), "2026-01-02T02:15"),
    "south of the equator clocks go forward in October": (
        "2026-10-03T12:00",
        "Australia/Sydney",
        (21, 8),
        "2026-10-03T21:00",
    ),
    "and back in April": ("2026-04-04T12:00", "Australia/Sydney", (21, 8), "2026-04-04T22:00"),
    "a clock that jumps by half an hour": ("2026-10-03T14:00", "Australia/Lord_Howe", (21, 2), "2026-10-03T15:30"),
    "an opening in the middle of what is skipped": (
        "2026-09-26T12:00",
        "Pacific/Chatham",
        (23, 3),
        "2026-09-26T14:00",
    ),
    "an opening that comes twice: the first": ("2026-10-24T23:30", "Europe/London", (21, 1), "2026-10-25T00:00"),
    "an opening that comes twice and once was": (
        "2026-04-04T14:00",
        "Pacific/Chatham",
        (23, 3),
        "2026-04-04T14:15",
    ),
    "quiet all day but an hour that is skipped: a day on": (
        "2026-04-23T12:00",
        "Africa/Cairo",
        (1, 0),
        "2026-04-24T21:00",
    ),
    "midnight itself is quiet across midnight": ("2026-01-02T00:00", "UTC", (21, 8), "2026-01-02T08:00"),
    "a year ends in the night": ("2025-12-31T23:59", "UTC", (21, 8), "2026-01-01T08:00"),
    "a path is no zone": ("2026-01-01T12:00", "../../etc/passwd", (21, 8), "2026-01-01T12:00"),
    "a folder is no zone": ("2026-01-01T12:00", "Europe", (21, 8), "2026-01-01T12:00"),
    "an unknown zone falls back to the default": ("2026-01-01T12:00", "Mars/Olympus", (21, 8), "2026-01-01T12:00"),
    "no zone falls back to the default": ("2026-01-01T12:00", "", (21, 8), "2026-01-01T12:00"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_message_goes_out_when_it_may(name: str) -> None:
    instant, zone, quiet, expected = CASES[name]
    assert next_allowed(utc(instant), zone, quiet, "UTC") == utc(expected)


ODD_ZONES = (
    "Europe/London",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Africa/Cairo",
    "America/Havana",
    "Antarctica/Troll",
    "Asia/Kathmandu",
)


@pytest.mark.parametrize("zone", ODD_ZONES)
def test_over_a_year_of_an_odd_zone_nothing_goes_out_in_quiet_hours_nor_later_than_needed(zone: str) -> None:
    quiet, start = (22, 3), utc("2026-01-01")
    goes_out: int | None = None
    for instant in range(start + 365 * 24 * HOUR, start, -QUARTER):
        is_quiet = (datetime.fromtimestamp(instant // 10**6, ZoneInfo(zone)).hour + 2) % 24 < 5
        goes_out = goes_out if is_quiet else instant
        assert goes_out is None or next_allowed(instant, zone, quiet, "UTC") == goes_out


DAYS = {
    "an ordinary day": ("2026-01-01T12:00", "UTC", "2026-01-01T00:00", "2026-01-02T00:00"),
    "midnight begins the day": ("2026-01-01T00:00", "UTC", "2026-01-01T00:00", "2026-01-02T00:00"),
    "the evening in Auckland is another day": (
        "2026-01-01T12:00",
        "Pacific/Auckland",
        "2026-01-01T11:00",
        "2026-01-02T11:00",
    ),
    "clocks forward: 23 hours": ("2026-03-29T12:00", "Europe/London", "2026-03-29T00:00", "2026-03-29T23:00"),
    "clocks back: 25 hours": ("2026-10-25T12:00", "Europe/London", "2026-10-24T23:00", "2026-10-26T00:00"),
    "a midnight that is skipped": ("2026-04-24T12:00", "Africa/Cairo", "2026-04-23T22:00", "2026-04-24T21:00"),
    "a midnight that comes twice": ("2026-11-01T12:00", "America/Havana", "2026-11-01T04:00", "2026-11-02T05:00"),
    "45 minutes beside the full": ("2026-01-01T12:00", "Asia/Kathmandu", "2025-12-31T18:15", "2026-01-01T18:15"),
    "an unknown zone falls back": ("2026-01-01T12:00", "Mars/Olympus", "2026-01-01T00:00", "2026-01-02T00:00"),
}


@pytest.mark.parametrize("name", DAYS)
def test_a_day_runs_from_midnight_to_midnight_of_the_wall_clock(name: str) -> None:
    instant, zone, start, end = DAYS[name]
    assert local_day(utc(instant), zone, "UTC") == (utc(start), utc(end))


@pytest.mark.parametrize("zone", ODD_ZONES)
def test_each_instant_of_a_year_lies_in_one_day_and_the_days_meet(zone: str) -> None:
    instant, end = utc("2026-01-01"), utc("2027-01-01")
    while instant < end:
        start, after = local_day(instant, zone, "UTC")
        assert start <= instant < after
        assert local_day(start, zone, "UTC") == local_day(after - 1, zone, "UTC") == (start, after)
        instant = after
