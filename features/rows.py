"""The rows of a snapshot, one customer at one cutoff each, and how far each row's events reach.

All windows of all rows are answered from one grid of instants per kind, counted once; a row then only looks up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.clock import positions, slots
from features.decay import decayed
from features.log import DAY_US, SCALE, EventLog, Ints, Stream

Column = NDArray[np.float64]
_CACHED_CELLS = 1_000_000


@dataclass(frozen=True)
class Grid:
    """How far every customer's events reach by `cutoff - days`, for each of some cutoffs and days (negative: after)."""

    log: EventLog
    cutoffs: Ints
    days: tuple[int, ...]
    _slots: dict[int, Ints] = field(default_factory=dict, repr=False)
    _positions: dict[str, Ints] = field(default_factory=dict, repr=False)
    _fading: dict[str, tuple[Ints, Ints, Column]] = field(default_factory=dict, repr=False)

    @cached_property
    def instants(self) -> Ints:
        """Every instant that is asked about, ascending."""
        return np.unique(self.cutoffs[:, None] - DAY_US * np.array(self.days, dtype=np.int64))

    @cached_property
    def width(self) -> int:
        """Entries per customer in `positions`."""
        return len(self.instants) + 1

    def column(self, days: int) -> Ints:
        """For each cutoff, the entry of `cutoff - days` among a customer's entries."""
        return np.searchsorted(self.instants, self.cutoffs - days * DAY_US) + 1

    def slots(self, stream: Stream) -> Ints:
        """For each event of a stream, the first instant after it."""
        key = id(stream)
        if key not in self._slots:
            self._slots[key] = slots(stream.time, self.instants)
        return self._slots[key]

    def positions(self, kind: str) -> Ints:
        """Positions of a kind's events by customer and instant; see `features.clock.positions`."""
        if kind not in self._positions:
            stream, number = self.log.places[kind]
            # Neighbouring kinds together while they fit the processor's cache: all of them in a request.
            people = len(self.log.customer_ids)
            several = max(1, _CACHED_CELLS // (people * self.width))
            kinds = range(number, min(number + several, len(stream.kinds)))
            found = positions(stream, kinds, self.slots(stream), people, len(self.instants))
            self._positions.update(zip((stream.kinds[place] for place in kinds), found, strict=True))
        return self._positions[kind]

    def fading(self, kind: str) -> tuple[Ints, Ints, Column]:
        """Of a kind's events before the last cutoff: which they are, customer and first cutoff as a cell, age then."""
        if kind not in self._fading:
            stream, number = self.log.places[kind]
            own = slice(stream.bounds[number], stream.bounds[number + 1])
            place = slots(stream.time[own], self.cutoffs)
            seen: Ints = np.flatnonzero(place < len(self.cutoffs)) + own.start
            place = place[seen - own.start]
            age_days = np.multiply(self.cutoffs[place] - stream.time[seen], 1.0 / DAY_US, dtype=np.float64)
            self._fading[kind] = seen, stream.customer[seen] * len(self.cutoffs) + place, age_days
        return self._fading[kind]


@dataclass(frozen=True)
class Rows:
    """The rows of a snapshot: aligned arrays of customer index and place among the grid's cutoffs."""

    grid: Grid
    customer: Ints
    place: Ints
    _memory: dict[tuple[object, ...], Ints] = field(default_factory=dict, repr=False)
    _matrices: dict[tuple[str, int, str], Column] = field(default_factory=dict, repr=False)

    @classmethod
    def everyone(cls, log: EventLog, cutoffs_us: Sequence[int], days: Sequence[int] = ()) -> Rows:
        """Every customer at every cutoff, customers in order of their ids; `days` are those to be asked for."""
        cutoffs = np.array(sorted(set(cutoffs_us)), dtype=np.int64)
        by_id = np.array(sorted(range(len(log.customer_ids)), key=log.customer_ids.__getitem__), dtype=np.int64)
        grid = Grid(log, cutoffs, tuple(sorted({0, *days})))
        return cls(grid, np.repeat(by_id, len(cutoffs)), np.tile(np.arange(len(cutoffs)), len(by_id)))

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        return Rows(self.grid, self.customer[chosen], self.place[chosen], {}, self._matrices)

    @property
    def log(self) -> EventLog:
        """The log the rows look at."""
        return self.grid.log

    @cached_property
    def cutoff(self) -> Ints:
        """The cutoff of each row in microseconds."""
        return self.grid.cutoffs[self.place]

    @cached_property
    def nothing(self) -> Column:
        """A zero for each row."""
        return np.zeros(len(self.customer))

    def reach(self, kind: str, days_before: int | None) -> Ints:
        """Position of the first event not before `cutoff - days_before`; None: of the customer's first event."""
        key = (kind, days_before)
        if key not in self._memory:
            self._memory[key] = self._reach(kind, days_before)
        return self._memory[key]

    def decayed(self, kind: str, half_life_days: int, field: str) -> Column:
        """Decayed total of a kind at each row; weight 1, or `field` in its own unit."""
        key = (kind, half_life_days, field)
        if kind not in self.log.places:
            return self.nothing
        if key not in self._matrices:
            self._matrices[key] = self._decayed(kind, half_life_days, field)
        return self._matrices[key][self.customer, self.place]

    def largest(self, kind: str, field: str) -> Column:
        """Largest value of a field before each row's cutoff; NaN without events."""
        key = (kind, 0, field)
        if kind not in self.log.places:
            return np.full(len(self.customer), np.nan)
        if key not in self._matrices:
            self._matrices[key] = self._largest(kind, field)
        return self._matrices[key][self.customer, self.place]

    def _reach(self, kind: str, days_before: int | None) -> Ints:
        if kind not in self.log.places:
            return np.zeros(len(self.customer), dtype=np.int64)
        if days_before is not None and days_before not in self.grid.days:
            return self._beside(days_before).reach(kind, days_before)
        return self.grid.positions(kind)[self._entry(days_before)]

    def _beside(self, days: int) -> Rows:
        # Days that no feature declares, as in a test or a label, get a small grid of their own.
        return Rows(Grid(self.log, self.grid.cutoffs, (days,)), self.customer, self.place)

    def _entry(self, days: int | None) -> Ints:
        key = ("", days)
        if key not in self._memory:
            start = self.customer * self.grid.width
            self._memory[key] = start if days is None else start + self.grid.column(days)[self.place]
        return self._memory[key]

    def _decayed(self, kind: str, half_life_days: int, field: str) -> Column:
        seen, cell, age_days = self.grid.fading(kind)
        weight = self.log.of(kind).fields[field][seen] / SCALE if field else None
        shape = (len(self.log.customer_ids), np.diff(self.grid.cutoffs) / DAY_US)
        return decayed(cell, age_days, weight, shape, half_life_days)

    def _largest(self, kind: str, field: str) -> Column:
        seen, cell, _ = self.grid.fading(kind)
        most = np.full((len(self.log.customer_ids), len(self.grid.cutoffs)), -np.inf)
        np.maximum.at(most.reshape(-1), cell, self.log.of(kind).fields[field][seen].astype(np.float64))
        np.maximum.accumulate(most, axis=1, out=most)
        return np.where(np.isinf(most), np.nan, most)
