"""Quiet hours by the clock on the wall, also in the two nights a year when it jumps."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from serving.hours import next_allowed


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
    "an unknown zone falls back to the default": ("2026-01-01T12:00", "Mars/Olympus", (21, 8), "2026-01-01T12:00"),
    "no zone falls back to the default": ("2026-01-01T12:00", "", (21, 8), "2026-01-01T12:00"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_message_goes_out_when_it_may(name: str) -> None:
    instant, zone, quiet, expected = CASES[name]
    assert next_allowed(utc(instant), zone, quiet, "UTC") == utc(expected)
