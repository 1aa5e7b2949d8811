"""What a feature may see: the events of each row's customer, already cut to a window that ends before the cutoff.

A row is one customer at one cutoff. Every method returns one float64 per row, NaN where there is nothing to tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache, reduce
from typing import Self, overload

import numpy as np

from features.answers import COUNT, Answers
from features.grid import Column as Column
from features.log import SCALE
from features.rows import Rows

_SCALE = float(SCALE)


@dataclass(frozen=True)
class Past:
    """A window of `days` that ends `ends_days` before the cutoff; `days` None: all of the past.

    What features have in common is computed once: a reduction asked for again is the same read-only array.
    """

    rows: Rows
    days: int | None
    horizon_days: int
    ends_days: int = 0
    half_life_days: int = 0
    _memory: dict[tuple[str, ...], Events | EventsTogether] = field(default_factory=dict, repr=False)

    @overload
    def of(self, kind: str, /) -> Events: ...

    @overload
    def of(self, *kinds: str) -> EventsTogether: ...

    def of(self, *kinds: str) -> Events | EventsTogether:
        """The events of these kinds inside the window."""
        found = self._memory.get(kinds)
        if found is None:
            found = self._memory[kinds] = self._told(*kinds)
        return found

    def earlier(self) -> Self:
        """The window of the same length just before this one."""
        return self._until_window(self.days)

    def before(self) -> Self:
        """All that lies before the window: what was usual until then."""
        return self._until_window(None)

    def horizon_phase(self) -> Column:
        """Where in the year the middle of the horizon lies, in radians: 0 on 1 January."""
        return self.rows.answers.by_cutoff(phase_of_middle, self.horizon_days)

    def horizon_share_in_months(self, *months: int) -> Column:
        """Share of the horizon's days that fall in these calendar months (1–12)."""
        return self.rows.answers.by_cutoff(share_in_months, self.horizon_days, months)

    def _until_window(self, days: int | None) -> Self:
        ends_days = self.ends_days + (self.days or 0)
        return type(self)(self.rows, days, self.horizon_days, ends_days, self.half_life_days)

    def _told(self, *kinds: str) -> Events | EventsTogether:
        if len(kinds) != 1:
            return EventsTogether([self.of(kind) for kind in kinds])
        # Not with `self`: a circle of references would keep a block's arrays alive until the collector comes by.
        return Events(kinds[0], *self._window, self.half_life_days)

    @cached_property
    def _window(self) -> tuple[Answers, int, int]:
        starts_days = None if self.days is None else self.ends_days + self.days
        return self.rows.window(starts_days, self.ends_days)


@dataclass(eq=False, slots=True)
class Events:
    """Events of one kind in a window; the reductions a feature is made of.

    `start` and `end` are the lines in which the answers have the days at which the window begins and ends.
    """

    kind: str
    answers: Answers
    start: int
    end: int
    half_life_days: int
    _memory: dict[str, Column] = field(default_factory=dict, repr=False)

    def count(self) -> Column:
        """Number of events."""
        return self.total(COUNT)

    def sum(self, field: str = "value") -> Column:
        """Total of a money or value field."""
        name = f"sum {field}"
        found = self._memory.get(name)
        if found is None:
            found = self._memory[name] = self.answers.sum(self.kind, field, self.start, self.end)
        return found

    def total(self, field: str) -> Column:
        """Total of a field that counts whole things (products, days)."""
        found = self._memory.get(field)
        if found is None:
            found = self._memory[field] = self.answers.total(self.kind, field, self.start, self.end)
        return found

    def mean(self, field: str = "value") -> Column:
        """Mean of a money or value field; NaN without events."""
        return ratio(self.sum(field), self.count())

    def days_since_last(self) -> Column:
        """Days from the latest event to the cutoff; NaN without events."""
        found = self._memory.get("days since last")
        if found is None:
            found = self._memory["days since last"] = self.answers.days_since_last(self.kind, self.start, self.end)
        return found

    def days_since_first(self) -> Column:
        """Days from the earliest event to the cutoff; NaN without events."""
        found = self._memory.get("days since first")
        if found is None:
            found = self._memory["days since first"] = self.answers.days_since_first(self.kind, self.start, self.end)
        return found

    def last(self, field: str = "value") -> Column:
        """The field of the latest event, as stored; NaN without events."""
        return self.answers.last(self.kind, field, self.start, self.end)

    def days_from_first_to(self, number: int) -> Column:
        """Days from the first event to the event of this number (1 is the second); NaN when there is none."""
        return self.answers.days_from_first_to(self.kind, number, self.start, self.end)

    def longest(self, field: str) -> Column:
        """Largest value of a field over all the past; NaN without events. Only for windows that reach back for ever."""
        return self.answers.largest(self.kind, field)

    def decayed(self, field: str | None = None) -> Column:
        """Sum of 2^(-age / half-life) over the events, times the field if one is named; over all the past."""
        return self.answers.decayed(self.kind, self.half_life_days, field or "")


@dataclass(frozen=True)
class EventsTogether:
    """Events of several kinds in a window: what can be told of them from each kind alone."""

    parts: list[Events]

    def count(self) -> Column:
        """Number of events."""
        return reduce(np.add, [part.count() for part in self.parts])

    def sum(self, field: str = "value") -> Column:
        """Total of a money or value field."""
        return self.total(field) / _SCALE

    def total(self, field: str) -> Column:
        """Total of a field that counts whole things (products, days)."""
        return reduce(np.add, [part.total(field) for part in self.parts])

    def mean(self, field: str = "value") -> Column:
        """Mean of a money or value field; NaN without events."""
        return ratio(self.sum(field), self.count())

    def days_since_last(self) -> Column:
        """Days from the latest event to the cutoff; NaN without events."""
        return reduce(np.fmin, [part.days_since_last() for part in self.parts])

    def days_since_first(self) -> Column:
        """Days from the earliest event to the cutoff; NaN without events."""
        return reduce(np.fmax, [part.days_since_first() for part in self.parts])

    def decayed(self, field: str | None = None) -> Column:
        """Sum of 2^(-age / half-life) over the events, times the field if one is named; over all the past."""
        return reduce(np.add, [part.decayed(field) for part in self.parts])


def ratio(above: Column, below: Column) -> Column:
    """Element-wise quotient; NaN where the divisor is 0 or missing."""
    return above / np.where(below, below, np.nan)  # a missing divisor is true, and stays missing


def phase_of_middle(day: int, days: int) -> float:
    """The phase of the year in the middle of `days` days from a day (since 1970) on."""
    return phase_of_year(day + days // 2)


@lru_cache(maxsize=1_000)
def phase_of_year(day: int) -> float:
    """Where in the year a day (since 1970) lies, in radians: 0 on 1 January."""
    date = np.datetime64(day, "D")
    return float((date - date.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.float64)) * (
        2 * np.pi / 365.25
    )


@lru_cache(maxsize=1_000)
def share_in_months(first_day: int, days: int, months: tuple[int, ...]) -> float:
    """Share of `days` days from a day (since 1970) on that fall in some calendar months."""
    span = (first_day + np.arange(days)).astype("datetime64[D]").astype("datetime64[M]")
    return float(np.isin(span.astype(np.int64) % 12 + 1, months).mean())
