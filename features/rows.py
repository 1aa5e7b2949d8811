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
    _positions: dict[str, tuple[tuple[str, ...], Ints]] = field(default_factory=dict, repr=False)
    _fading: dict[int, tuple[Ints, Column]] = field(default_factory=dict, repr=False)

    @cached_property
    def place_of(self) -> dict[int | None, int]:
        """Where each of the days stands in `entries`; None: the customer's start."""
        return {None: 0} | {days: place for place, days in enumerate(self.days, start=1)}

    @cached_property
    def instants(self) -> Ints:
        """Every instant that is asked about, once, ascending."""
        cutoffs = self.cutoffs.tolist()
        return np.array(sorted({cutoff - DAY_US * days for cutoff in cutoffs for days in self.days}), dtype=np.int64)

    @cached_property
    def entries(self) -> Ints:
        """Which of a customer's entries in `positions` answers for each of the days (first: the start) and cutoffs."""
        entries = np.zeros((len(self.days) + 1, len(self.cutoffs)), dtype=np.int64)
        asked = self.cutoffs - DAY_US * np.array(self.days, dtype=np.int64)[:, None]
        entries[1:] = self.instants.searchsorted(asked) + 1
        return entries

    @cached_property
    def gaps_days(self) -> Column:
        """Days between neighbouring cutoffs."""
        return (self.cutoffs[1:] - self.cutoffs[:-1]) / DAY_US

    def positions(self, kind: str) -> tuple[tuple[str, ...], Ints]:
        """A kind and some of its neighbours in the stream, and their positions; see `features.clock.positions`."""
        if kind not in self._positions:
            stream, number = self.log.places[kind]
            # Neighbouring kinds together while they fit the processor's cache: all of them in a request.
            people, instants = len(self.log.customer_ids), len(self.instants)
            several = max(1, _CACHED_CELLS // (people * (instants + 2)))
            numbers = range(number, min(number + several, len(stream.kinds)))
            found = positions(stream, numbers, self._slots_of(stream), people, instants)
            kinds = stream.kinds[numbers.start : numbers.stop]
            self._positions.update(dict.fromkeys(kinds, (kinds, found)))
        return self._positions[kind]

    def fading(self, stream: Stream) -> tuple[Ints, Column]:
        """For each event: its customer and first cutoff after it as one number, and its age at that cutoff.

        Numbers run over customers × (cutoffs + 1): the last column takes the events after the last cutoff.
        """
        key = id(stream)
        if key not in self._fading:
            place = self._next_cutoff.take(self._slots_of(stream))
            cutoffs = self.cutoffs.tolist()
            until = np.array([*cutoffs, max([stream.span[1], *cutoffs])])
            age_days = np.multiply(until.take(place) - stream.time, 1.0 / DAY_US, dtype=np.float64)
            self._fading[key] = stream.customer * len(until) + place, age_days
        return self._fading[key]

    @cached_property
    def _next_cutoff(self) -> Ints:
        # For each slot between two instants: cutoffs are instants too, so no event has to be looked up again.
        following = self.cutoffs.searchsorted(self.instants)
        return np.concatenate((following, [len(self.cutoffs)]))

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
    _found: dict[str, tuple[Stream, Ints]] = field(default_factory=dict, repr=False)
    _beside: dict[int, Rows] = field(default_factory=dict, repr=False)
    _by_cell: dict[tuple[str, int, str], Column] = field(default_factory=dict, repr=False)

    @classmethod
    def everyone(cls, log: EventLog, cutoffs_us: Sequence[int], days: Sequence[int] = ()) -> Rows:
        """Every customer at every cutoff, customers in order of their ids; `days` are those to be asked for."""
        cutoffs = np.array(sorted(set(cutoffs_us)), dtype=np.int64)
        by_id = np.array(sorted(range(len(log.customer_ids)), key=log.customer_ids.__getitem__), dtype=np.int64)
        grid = Grid(log, cutoffs, tuple(sorted({0, *days})))
        place = np.arange(len(cutoffs))[None, :].repeat(len(by_id), axis=0).reshape(-1)
        return cls(grid, by_id.repeat(len(cutoffs)), place)

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        if chosen.all():
            return self
        return Rows(self.grid, self.customer[chosen], self.place[chosen], _by_cell=self._by_cell)

    @property
    def log(self) -> EventLog:
        """The log the rows look at."""
        return self.grid.log

    @cached_property
    def cutoff(self) -> Ints:
        """The cutoff of each row in microseconds."""
        return self.grid.cutoffs[self.place]

    def reach(self, kind: str, days_before: int | None) -> Ints:
        """Position of the first event not before `cutoff - days_before`; None: of the customer's first event."""
        place = self.grid.place_of.get(days_before)
        if place is None:
            return self._rows_beside(days_before or 0).reach(kind, days_before)
        _, positions = self._found.get(kind) or self._find(kind)
        reach: Ints = positions[place]
        return reach

    def between(self, kind: str, starts_days: int | None, ends_days: int) -> tuple[Stream, Ints, Ints]:
        """The stream of a kind, and for each row where in it the events between two days begin and end."""
        stream, positions = self._found.get(kind) or self._find(kind)
        place_of = self.grid.place_of
        if starts_days in place_of and ends_days in place_of:
            return stream, positions[place_of[starts_days]], positions[place_of[ends_days]]
        return stream, self.reach(kind, starts_days), self.reach(kind, ends_days)

    def decayed(self, kind: str, half_life_days: int, field: str) -> Column:
        """Decayed total of a kind at each row; weight 1, or `field` in its own unit."""
        if kind not in self.log.places:
            return np.zeros(len(self.customer))
        key = (kind, half_life_days, field)
        if key not in self._by_cell:
            stream, number = self.log.places[kind]
            own = slice(stream.bounds[number], stream.bounds[number + 1])
            cell, age_days = self.grid.fading(stream)
            weight = stream.fields[field][own] / SCALE if field else None
            shape = (len(self.log.customer_ids), self.grid.gaps_days)
            self._by_cell[key] = decayed(cell[own], age_days[own], weight, shape, half_life_days)
        return self._by_cell[key].take(self._cells)

    def largest(self, kind: str, field: str) -> Column:
        """Largest value of a field before each row's cutoff; NaN without events."""
        if kind not in self.log.places:
            return np.full(len(self.customer), np.nan)
        key = (kind, 0, field)
        if key not in self._by_cell:
            stream, number = self.log.places[kind]
            own = slice(stream.bounds[number], stream.bounds[number + 1])
            most = np.full((len(self.log.customer_ids), len(self.grid.cutoffs) + 1), np.nan)
            np.fmax.at(most.reshape(-1), self.grid.fading(stream)[0][own], stream.fields[field][own].astype(np.float64))
            self._by_cell[key] = np.fmax.accumulate(most, axis=1).reshape(-1)
        return self._by_cell[key].take(self._cells)

    def _find(self, kind: str) -> tuple[Stream, Ints]:
        stream = self.log.of(kind)
        if kind not in self.log.places:
            self._found[kind] = stream, np.zeros((len(self.grid.place_of), len(self.customer)), dtype=np.int64)
            return self._found[kind]
        kinds, positions = self.grid.positions(kind)
        for name, own in zip(kinds, positions.take(self._entries, axis=1), strict=True):
            self._found[name] = stream, own
        return self._found[kind]

    def _rows_beside(self, days_before: int) -> Rows:
        # Days that no feature declares, as those of a label, get a small grid of their own.
        if days_before not in self._beside:
            grid = Grid(self.log, self.grid.cutoffs, (days_before,))
            self._beside[days_before] = Rows(grid, self.customer, self.place)
        return self._beside[days_before]

    @cached_property
    def _entries(self) -> Ints:
        width = len(self.grid.instants) + 2
        return self.grid.entries[:, self.place] + self.customer * width

    @cached_property
    def _cells(self) -> Ints:
        return self.customer * (len(self.grid.cutoffs) + 1) + self.place
