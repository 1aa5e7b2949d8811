"""What a feature may see: the events of each row's customer, already cut to a window that ends before the cutoff.

A row is one customer at one cutoff. Every method returns one float64 per row, NaN where there is nothing to tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, reduce
from typing import overload

import numpy as np
from numpy.typing import NDArray

from features.log import DAY_US, SCALE, Ints, Stream
from features.rows import Rows

Column = NDArray[np.float64]
# As floats, which numbers are divided by in half the time that it takes with integers.
_DAY_US, _SCALE = float(DAY_US), float(SCALE)


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
    _memory: dict[str, Events] = field(default_factory=dict, repr=False)

    @overload
    def of(self, kind: str, /) -> Events: ...

    @overload
    def of(self, *kinds: str) -> EventsTogether: ...

    def of(self, *kinds: str) -> Events | EventsTogether:
        """The events of these kinds inside the window."""
        return self._of_one(*kinds) if len(kinds) == 1 else EventsTogether([self._of_one(kind) for kind in kinds])

    def earlier(self) -> Past:
        """The window of the same length just before this one."""
        ends_days = self.ends_days + (self.days or 0)
        return Past(self.rows, self.days, self.horizon_days, ends_days, self.half_life_days)

    def horizon_phase(self) -> Column:
        """Where in the year the middle of the horizon lies, in radians: 0 on 1 January."""
        middle = self.rows.grid.cutoffs // DAY_US + self.horizon_days // 2
        return np.array([phase_of_year(day) for day in middle.tolist()], dtype=np.float64)[self.rows.place]

    def horizon_share_in_months(self, *months: int) -> Column:
        """Share of the horizon's days that fall in these calendar months (1–12)."""
        starts = (self.rows.grid.cutoffs // DAY_US).tolist()
        shares = [share_in_months(start, self.horizon_days, months) for start in starts]
        return np.array(shares, dtype=np.float64)[self.rows.place]

    def _of_one(self, kind: str) -> Events:
        events = self._memory.get(kind)
        if events is None:
            starts = None if self.days is None else self.ends_days + self.days
            found = self.rows.between(kind, starts, self.ends_days)
            # Not with `self`: a circle of references would keep a block's arrays alive until the collector comes by.
            events = self._memory[kind] = Events(self.rows, kind, *found, self.half_life_days)
        return events


@dataclass(eq=False, slots=True)
class Events:
    """Events of one kind in a window; the reductions a feature is made of.

    `low` and `high` are where in the stream the window of each row begins and ends.
    """

    rows: Rows
    kind: str
    stream: Stream
    low: Ints
    high: Ints
    half_life_days: int
    _memory: dict[str, Column] = field(default_factory=dict, repr=False)

    def count(self) -> Column:
        """Number of events."""
        if "count" not in self._memory:
            self._memory["count"] = _shared((self.high - self.low).astype(np.float64))
        return self._memory["count"]

    def sum(self, field: str = "value") -> Column:
        """Total of a money or value field."""
        name = f"sum {field}"
        if name not in self._memory:
            self._memory[name] = _shared(self.total(field) / _SCALE)
        return self._memory[name]

    def total(self, field: str) -> Column:
        """Total of a field that counts whole things (products, days)."""
        name = f"total {field}"
        if name not in self._memory:
            total = self.stream.totals.get(field)
            whole = np.zeros(len(self.low)) if total is None else total[self.high] - total[self.low]
            self._memory[name] = _shared(whole.astype(np.float64))
        return self._memory[name]

    def mean(self, field: str = "value") -> Column:
        """Mean of a money or value field; NaN without events."""
        return ratio(self.sum(field), self.count())

    def days_since_last(self) -> Column:
        """Days from the latest event to the cutoff; NaN without events."""
        if "last" not in self._memory:
            self._memory["last"] = _shared(self._age(self.high - 1))
        return self._memory["last"]

    def days_since_first(self) -> Column:
        """Days from the earliest event to the cutoff; NaN without events."""
        if "first" not in self._memory:
            self._memory["first"] = _shared(self._age(self.low))
        return self._memory["first"]

    def last(self, field: str = "value") -> Column:
        """The field of the latest event, as stored; NaN without events."""
        if self.kind not in self.rows.log.places:
            return np.full(len(self.low), np.nan)
        return np.where(self.high > self.low, _at(self.stream.fields[field], self.high - 1), np.nan)

    def days_from_first_to(self, number: int) -> Column:
        """Days from the first event to the event of this number (1 is the second); NaN when there is none."""
        time = self.stream.time
        days = (_at(time, self.low + number) - _at(time, self.low)) / _DAY_US
        return np.where(self.high - self.low > number, days, np.nan)

    def longest(self, field: str) -> Column:
        """Largest value of a field over all the past; NaN without events. Only for windows that reach back for ever."""
        return self.rows.largest(self.kind, field)

    def decayed(self, field: str | None = None) -> Column:
        """Sum of 2^(-age / half-life) over the events, times the field if one is named; over all the past."""
        return self.rows.decayed(self.kind, self.half_life_days, field or "")

    def _age(self, position: Ints) -> Column:
        days = (self.rows.cutoff - _at(self.stream.time, position)) / _DAY_US
        return np.where(self.high > self.low, days, np.nan)


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


def _at(values: Ints, position: Ints) -> Ints:
    """Values at positions; where a row has no event the position is clipped and the caller masks the result."""
    return values.take(position, mode="clip") if len(values) else np.zeros(len(position), dtype=np.int64)


def _shared(column: Column) -> Column:
    """The column, from now on read-only."""
    column.setflags(write=False)
    return column
