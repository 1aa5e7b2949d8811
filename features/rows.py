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
    _fading: dict[int, tuple[Ints, Column]] = field(default_factory=dict, repr=False)

    @cached_property
    def asked(self) -> Ints:
        """The instant of each of the days before each cutoff."""
        return self.cutoffs - DAY_US * np.array(self.days, dtype=np.int64)[:, None]

    @cached_property
    def instants(self) -> Ints:
        """Every instant that is asked about, once, ascending."""
        return np.unique(self.asked)

    @cached_property
    def entries(self) -> Ints:
        """Where among a customer's entries in `positions` each of `asked` is; the first row is the customer's start."""
        found = np.searchsorted(self.instants, self.asked) + 1
        return np.concatenate((np.zeros((1, len(self.cutoffs)), dtype=np.int64), found))

    @cached_property
    def gaps_days(self) -> Column:
        """Days between neighbouring cutoffs."""
        gaps: Column = np.diff(self.cutoffs) / DAY_US
        return gaps

    def positions(self, kind: str) -> Ints:
        """Positions of a kind's events by customer and instant; see `features.clock.positions`."""
        if kind not in self._positions:
            stream, number = self.log.places[kind]
            # Neighbouring kinds together while they fit the processor's cache: all of them in a request.
            people, instants = len(self.log.customer_ids), len(self.instants)
            several = max(1, _CACHED_CELLS // (people * (instants + 1)))
            kinds = range(number, min(number + several, len(stream.kinds)))
            found = positions(stream, kinds, self._slots_of(stream), people, instants)
            self._positions.update(zip((stream.kinds[place] for place in kinds), found, strict=True))
        return self._positions[kind]

    def fading(self, stream: Stream) -> tuple[Ints, Column]:
        """For each event: its customer and first cutoff after it as one number, and its age at that cutoff.

        Numbers run over customers × (cutoffs + 1): the last column takes the events after the last cutoff.
        """
        key = id(stream)
        if key not in self._fading:
            place = slots(stream.time, self.cutoffs).astype(np.int64, copy=False)
            until = np.append(self.cutoffs, max([stream.span[1], *self.cutoffs.tolist()]))
            age_days: Column = np.multiply(until[place] - stream.time, 1.0 / DAY_US, dtype=np.float64)
            self._fading[key] = stream.customer * len(until) + place, age_days
        return self._fading[key]

    def _slots_of(self, stream: Stream) -> Ints:
        key = id(stream)
        if key not in self._slots:
            self._slots[key] = slots(stream.time, self.instants)
        return self._slots[key]


@dataclass(frozen=True)
class Rows:
    """The rows of a snapshot: aligned arrays of customer index and place among the grid's cutoffs."""

    grid: Grid
    customer: Ints
    place: Ints
    _reaches: dict[str, dict[int | None, Ints]] = field(default_factory=dict, repr=False)
    _matrices: dict[tuple[str, int, str], Column] = field(default_factory=dict, repr=False)

    @classmethod
    def everyone(cls, log: EventLog, cutoffs_us: Sequence[int], days: Sequence[int] = ()) -> Rows:
        """Every customer at every cutoff, customers in order of their ids; `days` are those to be asked for."""
        cutoffs = np.array(sorted(set(cutoffs_us)), dtype=np.int64)
        by_id = np.array(sorted(range(len(log.customer_ids)), key=log.customer_ids.__getitem__), dtype=np.int64)
        grid = Grid(log, cutoffs, tuple(sorted({0, *days})))
        return cls(grid, by_id.repeat(len(cutoffs)), np.tile(np.arange(len(cutoffs)), len(by_id)))

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
        if kind not in self._reaches:
            self._reaches[kind] = self._reach(kind)
        reaches = self._reaches[kind]
        if days_before not in reaches:
            # Days that no feature declares, as those of a label, get a small grid of their own.
            beside = Grid(self.log, self.grid.cutoffs, (days_before or 0,))
            reaches[days_before] = Rows(beside, self.customer, self.place).reach(kind, days_before)
        return reaches[days_before]

    def decayed(self, kind: str, half_life_days: int, field: str) -> Column:
        """Decayed total of a kind at each row; weight 1, or `field` in its own unit."""
        if kind not in self.log.places:
            return self.nothing
        key = (kind, half_life_days, field)
        if key not in self._matrices:
            stream, number = self.log.places[kind]
            own = slice(stream.bounds[number], stream.bounds[number + 1])
            cell, age_days = self.grid.fading(stream)
            weight = stream.fields[field][own] / SCALE if field else None
            shape = (len(self.log.customer_ids), self.grid.gaps_days)
            self._matrices[key] = decayed(cell[own], age_days[own], weight, shape, half_life_days)
        return self._matrices[key][self.customer, self.place]

    def largest(self, kind: str, field: str) -> Column:
        """Largest value of a field before each row's cutoff; NaN without events."""
        if kind not in self.log.places:
            return np.full(len(self.customer), np.nan)
        key = (kind, 0, field)
        if key not in self._matrices:
            stream, number = self.log.places[kind]
            own = slice(stream.bounds[number], stream.bounds[number + 1])
            most = np.full((len(self.log.customer_ids), len(self.grid.cutoffs) + 1), np.nan)
            np.fmax.at(most.reshape(-1), self.grid.fading(stream)[0][own], stream.fields[field][own].astype(np.float64))
            self._matrices[key] = np.fmax.accumulate(most, axis=1)
        return self._matrices[key][self.customer, self.place]

    def _reach(self, kind: str) -> dict[int | None, Ints]:
        asked: list[int | None] = [None, *self.grid.days]
        if kind not in self.log.places:
            return dict.fromkeys(asked, np.zeros(len(self.customer), dtype=np.int64))
        return dict(zip(asked, self.grid.positions(kind)[self._entries], strict=True))

    @cached_property
    def _entries(self) -> Ints:
        width = len(self.grid.instants) + 1
        return self.grid.entries[:, self.place] + self.customer * width
