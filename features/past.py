"""What a feature may see: the events of each row's customer, already cut to a window that ends before the cutoff.

A row is one customer at one cutoff. Every method returns one float64 per row, NaN where there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from features.clock import Clock
from features.decay import decayed_totals
from features.log import DAY_US, SCALE, EventLog, Facts, Ints

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """The rows of a snapshot over one log: aligned arrays of customer index and cutoff (microseconds)."""

    log: EventLog
    clock: Clock
    customer: Ints
    cutoff: Ints
    _found: dict[tuple[str, int | None], Ints] = field(default_factory=dict, repr=False)
    _decayed: dict[tuple[str, int], Column] = field(default_factory=dict, repr=False)

    def reach(self, kind: str, days_before: int | None) -> Ints:
        """Events of a kind up to `days_before` days before the cutoff; None: before the customer's first event."""
        key = (kind, days_before)
        if key not in self._found:
            instant = np.full_like(self.cutoff, self.clock.first) if days_before is None else self.cutoff
            self._found[key] = self.clock.events_before(kind, self.customer, instant - (days_before or 0) * DAY_US)
        return self._found[key]

    def decayed(self, kind: str, half_life_days: int, make: Callable[[], Column]) -> Column:
        """A running decayed total of a kind, computed once per half-life and weight."""
        key = (kind, half_life_days)
        if key not in self._decayed:
            self._decayed[key] = make()
        return self._decayed[key]


@dataclass(frozen=True)
class Past:
    """A window of `days` that ends `ends_days` before the cutoff; `days` None: all of the past."""

    rows: Rows
    days: int | None
    horizon_days: int
    ends_days: int = 0
    half_life_days: int = 0

    def of(self, *kinds: str) -> Events:
        """The events of these kinds inside the window."""
        return Events(self, kinds)

    def earlier(self) -> Past:
        """The window of the same length just before this one."""
        return replace(self, ends_days=self.ends_days + (self.days or 0))

    def horizon_phase(self) -> Column:
        """Where in the year the middle of the horizon lies, in radians: 0 on 1 January."""
        middle = self.rows.cutoff // DAY_US + self.horizon_days // 2
        days = middle.astype("datetime64[D]")
        since_new_year: Column = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.float64)
        return since_new_year * (2 * np.pi / 365.25)

    def horizon_share_in_months(self, *months: int) -> Column:
        """Share of the horizon's days that fall in these calendar months (1–12)."""
        starts, place = np.unique(self.rows.cutoff // DAY_US, return_inverse=True)
        days = (starts[:, None] + np.arange(self.horizon_days)).astype("datetime64[D]")
        month = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
        share: Column = np.isin(month, months).mean(axis=1)[place]
        return share


@dataclass(frozen=True)
class Events:
    """Events of some kinds in a window; the reductions a feature is made of."""

    past: Past
    kinds: tuple[str, ...]

    def count(self) -> Column:
        """Number of events."""
        return self._added(lambda _, low, high: (high - low).astype(np.float64))

    def sum(self, field: str = "value") -> Column:
        """Total of a money or value field."""
        return self._total(field) / SCALE

    def total(self, field: str) -> Column:
        """Total of a field that counts whole things (products, days)."""
        return self._total(field)

    def mean(self, field: str = "value") -> Column:
        """Mean of a money or value field; NaN without events."""
        return ratio(self.sum(field), self.count())

    def days_since_last(self) -> Column:
        """Days from the latest event to the cutoff; NaN without events."""
        return self._nearest(np.fmin, lambda _, high: high - 1)

    def days_since_first(self) -> Column:
        """Days from the earliest event to the cutoff; NaN without events."""
        return self._nearest(np.fmax, lambda low, _: low)

    def last(self, field: str = "value") -> Column:
        """The field of the latest event, as stored; NaN without events."""
        return self._picked(field, 1)

    def days_from_first_to(self, number: int) -> Column:
        """Days from the first event to the event of this number (1 is the second); NaN when there is none."""
        facts, low, high = self._only()
        there = high - low > number
        times = np.where(there, _at(facts.time, low + number) - _at(facts.time, low), 0)
        return np.where(there, times / DAY_US, np.nan)

    def longest(self, field: str) -> Column:
        """Largest value of a field over all the past; NaN without events. Only for windows that reach back for ever."""
        facts, low, high = self._only()
        return np.where(high > low, _at(_running_max(facts, field), high - 1), np.nan)

    def decayed(self, field: str | None = None) -> Column:
        """Sum of 2^(-age / half-life) over the events, times the field if one is named."""
        nothing: Column = np.zeros(len(self.past.rows.customer))
        return sum((self._decay(kind, field or "") for kind in self.kinds), nothing)

    def _total(self, field: str) -> Column:
        def difference(facts: Facts, low: Ints, high: Ints) -> Column:
            total = facts.totals.get(field)
            return np.zeros(len(low)) if total is None else (total[high] - total[low]).astype(np.float64)

        return self._added(difference)

    def _added(self, part: Callable[[Facts, Ints, Ints], Column]) -> Column:
        nothing: Column = np.zeros(len(self.past.rows.customer))
        return sum((part(*self._found(kind)) for kind in self.kinds), nothing)

    def _decay(self, kind: str, field: str) -> Column:
        facts, low, high = self._found(kind)
        rows, half_life = self.past.rows, self.past.half_life_days
        running = rows.decayed(f"{kind}.{field}", half_life, lambda: decayed_totals(facts, half_life, field))
        age_days = (rows.cutoff - _at(facts.time, high - 1)) / DAY_US
        return np.where(high > low, _at(running, high - 1) * np.exp2(-age_days / half_life), 0.0)

    def _nearest(self, closer: Callable[[Column, Column], Column], pick: Callable[[Ints, Ints], Ints]) -> Column:
        result = np.full(len(self.past.rows.customer), np.nan)
        for kind in self.kinds:
            facts, low, high = self._found(kind)
            days = (self.past.rows.cutoff - _at(facts.time, pick(low, high))) / DAY_US
            result = closer(result, np.where(high > low, days, np.nan))
        return result

    def _picked(self, field: str, back: int) -> Column:
        facts, low, high = self._only()
        return np.where(high - low >= back, _at(facts.fields[field], high - back), np.nan)

    def _only(self) -> tuple[Facts, Ints, Ints]:
        (kind,) = self.kinds
        return self._found(kind)

    def _found(self, kind: str) -> tuple[Facts, Ints, Ints]:
        past = self.past
        starts = None if past.days is None else past.ends_days + past.days
        return past.rows.log.of(kind), past.rows.reach(kind, starts), past.rows.reach(kind, past.ends_days)


def ratio(above: Column, below: Column) -> Column:
    """Element-wise quotient; NaN where the divisor is 0 or missing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below != 0, above / below, np.nan)


def _at(values: NDArray[np.generic], position: Ints) -> Column:
    """Values at positions; where a row has no event the position is clipped and the caller masks the result."""
    if not len(values):
        return np.zeros(len(position))
    return values[np.minimum(np.maximum(position, 0), len(values) - 1)]  # type: ignore[return-value]


def _running_max(facts: Facts, field: str) -> Ints:
    values = facts.fields[field]
    if not len(values):
        return values
    # Lifting each customer above the one before keeps the maximum from crossing over.
    step = int(values.max()) - min(int(values.min()), 0) + 1
    return np.maximum.accumulate(values + facts.customer * step) - facts.customer * step
