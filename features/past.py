"""What a feature may see: the events of each row's customer, already cut to a window that ends before the cutoff.

A row is one customer at one cutoff. Every method returns one float64 per row, NaN where there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.log import DAY_US, SCALE, Ints, Stream
from features.rows import Rows

Column = NDArray[np.float64]


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
        if kinds not in self._memory:
            starts = None if self.days is None else self.ends_days + self.days
            # Not with `self`: a circle of references would keep a block's arrays alive until the collector comes by.
            self._memory[kinds] = Events(self.rows, kinds, starts, self.ends_days, self.half_life_days)
        return self._memory[kinds]

    def earlier(self) -> Past:
        """The window of the same length just before this one."""
        return replace(self, ends_days=self.ends_days + (self.days or 0), _memory={})

    def horizon_phase(self) -> Column:
        """Where in the year the middle of the horizon lies, in radians: 0 on 1 January."""
        middle = self.rows.grid.cutoffs // DAY_US + self.horizon_days // 2
        days = middle.astype("datetime64[D]")
        since_new_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.float64)
        phase: Column = since_new_year[self.rows.place] * (2 * np.pi / 365.25)
        return phase

    def horizon_share_in_months(self, *months: int) -> Column:
        """Share of the horizon's days that fall in these calendar months (1–12)."""
        starts = (self.rows.grid.cutoffs // DAY_US).tolist()
        shares = [share_in_months(start, self.horizon_days, months) for start in starts]
        return np.array(shares, dtype=np.float64)[self.rows.place]


@dataclass(frozen=True)
class Events:
    """Events of some kinds in a window; the reductions a feature is made of.

    The window runs from `starts_days` (None: for ever) to `ends_days` before the cutoff.
    """

    rows: Rows
    kinds: tuple[str, ...]
    starts_days: int | None
    ends_days: int
    half_life_days: int
    _memory: dict[str, Column] = field(default_factory=dict, repr=False)

    def count(self) -> Column:
        """Number of events."""
        return self._once("count", lambda: self._added(lambda _, low, high: high - low))

    def sum(self, field: str = "value") -> Column:
        """Total of a money or value field."""
        return self._once(f"sum {field}", lambda: self.total(field) / SCALE)

    def total(self, field: str) -> Column:
        """Total of a field that counts whole things (products, days)."""
        return self._once(
            f"total {field}",
            lambda: self._added(lambda stream, low, high: _difference(stream.totals.get(field), low, high)),
        )

    def mean(self, field: str = "value") -> Column:
        """Mean of a money or value field; NaN without events."""
        return ratio(self.sum(field), self.count())

    def days_since_last(self) -> Column:
        """Days from the latest event to the cutoff; NaN without events."""
        return self._once("last", lambda: self._nearest(np.fmin, lambda _, high: high - 1))

    def days_since_first(self) -> Column:
        """Days from the earliest event to the cutoff; NaN without events."""
        return self._once("first", lambda: self._nearest(np.fmax, lambda low, _: low))

    def last(self, field: str = "value") -> Column:
        """The field of the latest event, as stored; NaN without events."""
        stream, low, high = self._only()
        if self.kinds[0] not in self.rows.log.places:
            return np.full(len(low), np.nan)
        return np.where(high > low, _at(stream.fields[field], high - 1), np.nan)

    def days_from_first_to(self, number: int) -> Column:
        """Days from the first event to the event of this number (1 is the second); NaN when there is none."""
        stream, low, high = self._only()
        there = high - low > number
        times = np.where(there, _at(stream.time, low + number) - _at(stream.time, low), 0)
        return np.where(there, times / DAY_US, np.nan)

    def longest(self, field: str) -> Column:
        """Largest value of a field over all the past; NaN without events. Only for windows that reach back for ever."""
        (kind,) = self.kinds
        return self.rows.largest(kind, field)

    def decayed(self, field: str | None = None) -> Column:
        """Sum of 2^(-age / half-life) over the events, times the field if one is named; over all the past."""
        decayed = (self.rows.decayed(kind, self.half_life_days, field or "") for kind in self.kinds)
        return sum(decayed, self.rows.nothing)

    def _once(self, what: str, make: Callable[[], Column]) -> Column:
        if what not in self._memory:
            self._memory[what] = make()
            self._memory[what].flags.writeable = False
        return self._memory[what]

    def _added(self, part: Callable[[Stream, Ints, Ints], Ints]) -> Column:
        if len(self.kinds) == 1:
            return part(*self._found(self.kinds[0])).astype(np.float64)
        parts = [part(*self._found(kind)) for kind in self.kinds]
        total: Column = np.add.reduce(parts).astype(np.float64)
        return total

    def _nearest(self, closer: Callable[[Column, Column], Column], pick: Callable[[Ints, Ints], Ints]) -> Column:
        result: Column | None = None
        for kind in self.kinds:
            stream, low, high = self._found(kind)
            days = (self.rows.cutoff - _at(stream.time, pick(low, high))) / DAY_US
            own = np.where(high > low, days, np.nan)
            result = own if result is None else closer(result, own)
        return np.full(len(self.rows.customer), np.nan) if result is None else result

    def _only(self) -> tuple[Stream, Ints, Ints]:
        (kind,) = self.kinds
        return self._found(kind)

    def _found(self, kind: str) -> tuple[Stream, Ints, Ints]:
        rows = self.rows
        return rows.log.of(kind), rows.reach(kind, self.starts_days), rows.reach(kind, self.ends_days)


def ratio(above: Column, below: Column) -> Column:
    """Element-wise quotient; NaN where the divisor is 0 or missing."""
    quotient = np.full(len(below), np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


@lru_cache(maxsize=1_000)
def share_in_months(first_day: int, days: int, months: tuple[int, ...]) -> float:
    """Share of `days` days from a day (since 1970) on that fall in some calendar months."""
    span = (first_day + np.arange(days)).astype("datetime64[D]").astype("datetime64[M]")
    return float(np.isin(span.astype(np.int64) % 12 + 1, months).mean())


def _difference(total: Ints | None, low: Ints, high: Ints) -> Ints:
    return np.zeros(len(low), dtype=np.int64) if total is None else total[high] - total[low]


def _at(values: Ints, position: Ints) -> Ints:
    """Values at positions; where a row has no event the position is clipped and the caller masks the result."""
    return values.take(position, mode="clip") if len(values) else np.zeros(len(position), dtype=np.int64)
