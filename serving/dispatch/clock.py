"""The one clock of a dispatcher: the wall's, or one that began at a given instant, for worlds that ended long ago."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from features.errors import ConfigError
from serving.requests import microseconds

Clock = Callable[[], int]


def wall() -> int:
    """Now, as int64 µs UTC; it may jump."""
    return time.time_ns() // 1000


def clock_from(text: str | None) -> Clock:
    """A clock that starts at an ISO instant and goes on from there; without one, the wall's. Raises ConfigError."""
    if text is None:
        return wall
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f'--now {text!r} is no instant such as "2026-01-01T09:00:00Z".') from error
    start_us = microseconds(start if start.tzinfo else start.replace(tzinfo=UTC))
    began = time.monotonic_ns()
    return lambda: start_us + (time.monotonic_ns() - began) // 1000
