"""What few rows are told of their events, as those of a request: many answers at once.

A call of NumPy costs more than the few numbers it makes. So the streams of the log are laid end to end, and one call
answers for all kinds and windows. The bits are those of `features.answers`, which answers many rows one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.answers import COUNT, Answers, days_since
from features.clock import positions, slots
from features.decay import decayed, largest
from features.grid import Column
from features.log import DAY_US, NEVER, SCALE, EventLog, Ints, Stream

NOWHERE = (-1, 0)  # the last kind, which never happened: its total of anything is 0
NOTHING = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class AnswersAtOnce(Answers):
    """Answers to all that a recipe asks, a line each; what a function asks by itself is told as to many rows."""

    def windowed(self, things: Sequence[tuple[str, str]], which: Ints, lines: Ints, upto: Sequence[int]) -> Column:
        """The answers about windows: of which kind and field, between which lines (starts and ends).

        First, up to the numbers in `upto`, the days since the first, those since the last, the last value; then totals.
        """
        number, base = np.array([self._places.get(thing, NOWHERE) for thing in things]).T.take(which, axis=1)
        starts, ends = reach = self._reach[number, lines]
        first, days, last, _ = upto
        count, position = ends - starts, ends - 1
        position[:first] = starts[:first]
        ago = days_since(self._stream, position[:days], self.cutoff, count[:days])
        before, until = self._running.take(reach[:, days:] + base[days:, None])
        before[: last - days] = self._running.take(position[days:last] + base[days:last, None])
        told = (until - before).astype(np.float64)
        told[: last - days][count[days:last] == 0] = np.nan
        return np.concatenate((ago, told))

    def faded(self, half_life_days: int, of: str, kinds: Sequence[str]) -> Column:
        """The decayed totals of some kinds, a line each."""
        if of:
            return np.concatenate([self.decayed(kind, half_life_days, of) for kind in kinds]).reshape(len(kinds), -1)
        numbers = [self._number(kind) for kind in kinds]
        return self._decayed(*self._fading, None, half_life_days)[numbers].take(self._cells, axis=1)

    def several(self, question: str, asked: Sequence[tuple[Any, ...]]) -> Column:
        """The answers to one question asked of several things, one line each."""
        return np.array([getattr(self, question)(*one) for one in asked])

    def stream_of(self, kind: str) -> Stream:  # noqa: ARG002 - whichever it is
        """All streams as one."""
        return self._stream

    def reach(self, kind: str, line: int) -> Ints:
        """Position in that stream of each row's first event that is not before the days of this line."""
        reach: Ints = self._reach[self._number(kind), line]
        return reach

    def last(self, kind: str, of: str, start: int, end: int) -> Column:
        """The field of the latest event between two lines, as stored; NaN without one."""
        last: Column = self.windowed([(kind, of)], np.array([0]), np.array([[start], [end]]), (0, 0, 1, 1))[0]
        return last

    def decayed(self, kind: str, half_life_days: int, of: str) -> Column:
        """Decayed total of a kind at each row; weight 1, or the field `of` in its own unit."""
        number, own, values = self._own(kind, of)
        (cell, age_days), weight = self._fading, values / SCALE if of else None
        by_cell: Column = self._decayed(cell[own], age_days[own], weight, half_life_days)[number]
        return by_cell.take(self._cells)

    def largest(self, kind: str, of: str) -> Column:
        """Largest value of a field before each row's cutoff; NaN without events."""
        number, own, values = self._own(kind, of)
        cell = self._fading[0][own] - number * self.grid.cells
        most = largest(cell, values, len(self.grid.log.customer_ids), len(self.grid.cutoffs) + 1)
        return most.take(self._cells)

    @cached_property
    def _stream(self) -> Stream:
        return end_to_end(self.grid.log)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {kind: number for number, kind in enumerate(self._stream.kinds)}

    def _number(self, kind: str) -> int:
        return self._numbers.get(kind, len(self._numbers) - 1)

    @cached_property
    def _running(self) -> Ints:
        """Running totals: of the COUNT over all events, then of each field over those of its stream."""
        totals = [stream.running.reshape(-1) for stream in self.grid.log.streams]
        return np.concatenate([np.arange(len(self._stream.time) + 1), *totals])

    @cached_property
    def _places(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Of each kind and field: the kind's number, and what added to a position is the place of its running total."""
        found: dict[tuple[str, str], tuple[int, int]] = {}
        before, start = 0, len(self._stream.time) + 1
        for stream in self.grid.log.streams:
            width, end = len(stream.time) + 1, start + len(stream.fields) * (len(stream.time) + 1)
            base = {COUNT: 0, **dict(zip(stream.fields, range(start - before, end - before, width), strict=True))}
            numbers = [(kind, self._numbers[kind]) for kind in stream.kinds]
            found |= {(kind, of): (number, place) for of, place in base.items() for kind, number in numbers}
            before, start = before + len(stream.time), end
        return found

    def _until(self, kind: str, of: str, line: int) -> Ints:
        number, base = self._places.get((kind, of), NOWHERE)
        until: Ints = self._running.take(self._reach[number, line] + base)
        return until

    @cached_property
    def _slots(self) -> Ints:
        return slots(self._stream.time, self.grid.instants)

    @cached_property
    def _reach(self) -> Ints:
        """Positions by kind, line and row."""
        kinds, people = range(len(self._stream.kinds)), len(self.grid.log.customer_ids)
        found = positions(self._stream, kinds, self._slots, people, len(self.grid.instants))
        return found.take(self.entries, axis=1)

    @cached_property
    def _fading(self) -> tuple[Ints, NDArray[np.float64]]:
        """For each event its cell, those of each kind behind those of the kind before, and its age in days then."""
        stream, cells = self._stream, self.grid.cells
        place = self.grid.ruler.next_cutoff.take(self._slots)
        until = self.grid.until.take(place)
        cell = np.arange(0, len(stream.kinds) * cells, cells).repeat(stream.events)
        cell += stream.customer * (len(self.grid.cutoffs) + 1)
        cell += place
        return cell, np.multiply(until - stream.time, 1.0 / DAY_US, dtype=np.float64)

    def _decayed(self, cell: Ints, age_days: Column, weight: Column | None, half_life_days: int) -> Column:
        """Decayed totals by number of the kind and cell."""
        shape = (len(self._stream.kinds) * len(self.grid.log.customer_ids), self.grid.ruler.gaps_days)
        return decayed(cell, age_days, weight, shape, half_life_days).reshape(-1, self.grid.cells)

    def _own(self, kind: str, of: str) -> tuple[int, slice, Ints]:
        """The number of a kind, where its events stand among all, and their values of a field."""
        number = self._number(kind)
        own, stream = self._stream.part(range(number, number + 1)), self.grid.log.of(kind)
        if not of or own.start == own.stop:
            return number, own, NOTHING
        before = self._stream.bounds[number] - stream.bounds[stream.kinds.index(kind)]
        return number, own, stream.fields[of][own.start - before : own.stop - before]


def end_to_end(log: EventLog) -> Stream:
    """The streams of a log as one, without their fields; the last kind is one that never happened."""
    streams = (*log.streams, NEVER)
    bounds = [0]
    for stream in streams:
        bounds += [bounds[-1] + end for end in stream.bounds[1:]]
    return Stream(
        (*(kind for stream in streams for kind in stream.kinds), ""),
        (*bounds, bounds[-1]),
        np.concatenate([stream.customer for stream in streams]),
        np.concatenate([stream.time for stream in streams]),
    )
