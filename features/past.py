"""What a feature may see: the events of each row's customer, already cut to a window that ends before the cutoff.

A row is one customer at one cutoff. Every method returns one float64 per row, NaN where there is nothing to tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, reduce

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
    _memory: dict[tuple[str, ...], Events] = field(default_factory=dict, repr=False)

    def of(self, *kinds: str) -> Events:
        """The events of these kinds inside the window."""
        events = self._memory.get(kinds)
        if events is None:
            starts = None if self.days is None else self.ends_days + self.days
            found = [self.rows.between(kind, starts, self.ends_days) for kind in kinds]
            # Not with `self`: a circle of references would keep a block's arrays alive until the collector comes by.
            events = self._memory[kinds] = Events(self.rows, kinds, found, self.half_life_days)
        return events

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


@dataclass(eq=False, slots=True)
class Events:
    """Events of some kinds in a window; the reductions a feature is made of.

    `found` holds for each kind its stream, and where in it the window of each row begins and ends.
    """

    rows: Rows
    kinds: tuple[str, ...]
    found: list[tuple[Stream, Ints, Ints]]
    half_life_days: int
    _memory: dict[str, Column] = field(default_factory=dict, repr=False)

    def count(self) -> Column:
        """Number of events."""
        if "count" not in self._memory:
            self._memory["count"] = _added([high - low for _, low, high in self.found])
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
            self._memory[name] = _added([_total(stream, field, low, high) for stream, low, high in self.found])
        return self._memory[name]

    def mean(self, field: str = "value") -> Column:
        """Mean of a money or value field; NaN without events."""
        return ratio(self.sum(field), self.count())

    def days_since_last(self) -> Column:
        """Days from the latest event to the cutoff; NaN without events."""
        if "last" not in self._memory:
            ages = [self._age(stream, high - 1, high > low) for stream, low, high in self.found]
            self._memory["last"] = _shared(reduce(np.fmin, ages))
        return self._memory["last"]

    def days_since_first(self) -> Column:
        """Days from the earliest event to the cutoff; NaN without events."""
        if "first" not in self._memory:
            ages = [self._age(stream, low, high > low) for stream, low, high in self.found]
            self._memory["first"] = _shared(reduce(np.fmax, ages))
        return self._memory["first"]

    def last(self, field: str = "value") -> Column:
        """The field of the latest event, as stored; NaN without events."""
        ((stream, low, high),) = self.found
        if self.kinds[0] not in self.rows.log.places:
            return np.full(len(low), np.nan)
        return np.where(high > low, _at(stream.fields[field], high - 1), np.nan)

    def days_from_first_to(self, number: int) -> Column:
        """Days from the first event to the event of this number (1 is the second); NaN when there is none."""
        ((stream, low, high),) = self.found
        days = (_at(stream.time, low + number) - _at(stream.time, low)) / _DAY_US
        return np.where(high - low > number, days, np.nan)

    def longest(self, field: str) -> Column:
        """Largest value of a field over all the past; NaN without events. Only for windows that reach back for ever."""
        (kind,) = self.kinds
        return self.rows.largest(kind, field)

    def decayed(self, field: str | None = None) -> Column:
        """Sum of 2^(-age / half-life) over the events, times the field if one is named; over all the past."""
        return reduce(np.add, [self.rows.decayed(kind, self.half_life_days, field or "") for kind in self.kinds])

    def _age(self, stream: Stream, position: Ints, there: NDArray[np.bool_]) -> Column:
        return np.where(there, (self.rows.cutoff - _at(stream.time, position)) / _DAY_US, np.nan)


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


def _total(stream: Stream, field: str, low: Ints, high: Ints) -> Ints:
    total = stream.totals.get(field)
    return np.zeros(len(low), dtype=np.int64) if total is None else total[high] - total[low]


def _at(values: Ints, position: Ints) -> Ints:
    """Values at positions; where a row has no event the position is clipped and the caller masks the result."""
    return values.take(position, mode="clip") if len(values) else np.zeros(len(position), dtype=np.int64)


def _added(parts: list[Ints]) -> Column:
    """The exact total of whole numbers."""
    total: Ints = parts[0] if len(parts) == 1 else np.add.reduce(parts)
    return _shared(total.astype(np.float64))


def _shared(column: Column) -> Column:
    """The column, from now on read-only."""
    column.setflags(write=False)
    return column
