"""The grid of instants at which features look, and what every customer's events come to at each, worked out once.

All windows of all rows are answered from it; a row then only looks up. A cell is a customer and a place among the
cutoffs, as `customer * (cutoffs + 1) + place`: the last place takes the events after the last cutoff.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from features.clock import positions, slots
from features.decay import decayed, largest
from features.log import DAY_US, SCALE, EventLog, Ints, Stream

Column = NDArray[np.float64]
Lines = dict[int | None, int]
FEW_ROWS = 64
_CACHED_CELLS = 1_000_000
_NEVER_US = 2**62  # the cutoff after the last: what fades until then is nothing


@dataclass(frozen=True)
class Ruler:
    """Which instants are asked about, from the first cutoff on, and who asks: the same for every log.

    `line_of` has the line of each of the days in `entries` (None: the customer's start). `entries[line, place]` is
    which of a customer's entries in `positions` answers for the days before the cutoff of that place.
    """

    line_of: Lines
    instants: Ints
    entries: Ints
    gaps_days: Column
    next_cutoff: Ints


def lines_of(days: tuple[int, ...]) -> Lines:
    """In which line of the entries each of the days stands; None: the customer's start."""
    return {None: 0} | {before: line for line, before in enumerate(days, start=1)}


@lru_cache(maxsize=64)
def ruler(cutoffs: tuple[int, ...], days: tuple[int, ...]) -> Ruler:
    """The ruler of some cutoffs, ascending, in microseconds after the first, and days before them."""
    instants = np.array(sorted({cutoff - DAY_US * before for cutoff in cutoffs for before in days}), dtype=np.int64)
    ends = np.array(cutoffs, dtype=np.int64)
    asked = ends - DAY_US * np.array(days, dtype=np.int64)[:, None]
    entries = np.concatenate((np.zeros((1, len(ends)), dtype=np.int64), instants.searchsorted(asked) + 1))
    line_of = lines_of(days)
    # For each slot between two instants: cutoffs are instants too, so no event has to be looked up again.
    next_cutoff = np.append(ends.searchsorted(instants), len(ends))
    return Ruler(line_of, instants, entries, (ends[1:] - ends[:-1]) / DAY_US, next_cutoff)


@dataclass(frozen=True)
class Grid:
    """How far every customer's events reach by `cutoff - days`, for each of some cutoffs and days (negative: after)."""

    log: EventLog
    cutoffs: Ints
    days: tuple[int, ...]
    _slots: dict[int, Ints] = field(default_factory=dict, repr=False)
    _positions: dict[str, tuple[tuple[str, ...], Ints]] = field(default_factory=dict, repr=False)
    _fading: dict[str, tuple[Ints, Column]] = field(default_factory=dict, repr=False)
    _by_cell: dict[tuple[str, int, str], Column] = field(default_factory=dict, repr=False)

    @cached_property
    def is_small(self) -> bool:
        """Does a call of NumPy or Python cost more than the numbers it makes?"""
        return 0 < len(self.log.customer_ids) * len(self.cutoffs) <= FEW_ROWS

    @cached_property
    def ruler(self) -> Ruler:
        """The instants, relative to the first cutoff."""
        return ruler(tuple((self.cutoffs - self.cutoffs[:1]).tolist()), self.days)

    @cached_property
    def instants(self) -> Ints:
        """Every instant that is asked about, once, ascending."""
        return self.ruler.instants + self.cutoffs[0] if len(self.cutoffs) else self.cutoffs

    def positions(self, kind: str) -> tuple[tuple[str, ...], Ints]:
        """A kind and some of its neighbours in the stream, and their positions; see `features.clock.positions`."""
        found = self._positions.get(kind)
        if found is None:
            found = self._found(kind)
            self._positions.update(dict.fromkeys(found[0], found))
        return found

    def decayed(self, kind: str, half_life_days: int, of: str) -> Column:
        """Decayed total of a kind by cell; weight 1, or the field `of` in its own unit."""
        if kind not in self.log.places:
            return np.zeros(self.cells)
        key = (kind, half_life_days, of)
        if key not in self._by_cell:
            stream, own = self._own(kind)
            weight = stream.fields[of][own] / SCALE if of else None
            shape = (len(self.log.customer_ids), self.ruler.gaps_days)
            self._by_cell[key] = decayed(*self._fading_of(kind), weight, shape, half_life_days)
        return self._by_cell[key]

    def largest(self, kind: str, of: str) -> Column:
        """Largest value of a field before the cutoff of each cell; NaN without events."""
        if kind not in self.log.places:
            return np.full(self.cells, np.nan)
        key = (kind, 0, of)
        if key not in self._by_cell:
            stream, own = self._own(kind)
            cell, places = self._cells(stream, own, self._places(stream, own)), len(self.cutoffs) + 1
            self._by_cell[key] = largest(cell, stream.fields[of][own], len(self.log.customer_ids), places)
        return self._by_cell[key]

    def _found(self, kind: str) -> tuple[tuple[str, ...], Ints]:
        people, instants = len(self.log.customer_ids), len(self.instants)
        if kind not in self.log.places:
            return (kind,), np.zeros((1, people * (instants + 2)), dtype=np.int64)
        stream, number = self.log.places[kind]
        # Neighbouring kinds together while they fit the processor's cache: all of them in a request.
        several = max(1, _CACHED_CELLS // (people * (instants + 2)))
        first = number - number % several
        numbers = range(first, min(first + several, len(stream.kinds)))
        found = positions(stream, numbers, self._slots_of(stream), people, instants)
        return stream.kinds[numbers.start : numbers.stop], found

    def _own(self, kind: str) -> tuple[Stream, slice]:
        """The stream of a kind, and where in it the kind's events stand."""
        stream, number = self.log.places[kind]
        return stream, stream.part(range(number, number + 1))

    def _fading_of(self, kind: str) -> tuple[Ints, Column]:
        """For each event of a kind its cell, and its age in days then."""
        found = self._fading.get(kind)
        if found is None:
            stream, own = self._own(kind)
            place = self._places(stream, own)
            age_days = np.multiply(self.until.take(place) - stream.time[own], 1.0 / DAY_US, dtype=np.float64)
            found = self._fading[kind] = self._cells(stream, own, place), age_days
        return found

    @property
    def cells(self) -> int:
        """How many there are for a kind: one of each customer for each cutoff, and one beyond the last."""
        return len(self.log.customer_ids) * (len(self.cutoffs) + 1)

    @cached_property
    def until(self) -> Ints:
        """Until when the events of each place fade."""
        return np.concatenate((self.cutoffs, [_NEVER_US]))

    def _places(self, stream: Stream, own: slice) -> Ints:
        """For each event the place of the first cutoff after it."""
        return self.ruler.next_cutoff.take(self._slots_of(stream)[own])

    def _cells(self, stream: Stream, own: slice, place: Ints) -> Ints:
        return stream.customer[own] * (len(self.cutoffs) + 1) + place

    def _slots_of(self, stream: Stream) -> Ints:
        key = id(stream)
        if key not in self._slots:
            self._slots[key] = slots(stream.time, self.instants)
        return self._slots[key]
