"""What few rows are told of their events, as those of a request: many answers at once.

A call of NumPy costs more than the few numbers it makes. So the streams of the log are laid end to end, and one call
answers for all kinds and windows. The bits are those of `features.answers`, which answers many rows one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.answers import COUNT, Answers, days_since
from features.clock import positions, slots
from features.decay import decayed, largest
from features.grid import NEVER_US, Column
from features.log import DAY_US, NEVER, SCALE, EventLog, Ints, Stream


@dataclass(frozen=True)
class AnswersAtOnce(Answers):
    """Answers to all that a recipe asks, a line each; what a function asks by itself is told as to many rows."""

    _by_cell: dict[tuple[int, str, str], Column] = field(default_factory=dict, repr=False)

    def windowed(self, question: str, things: Sequence[tuple[str, ...]], which: Ints, lines: Ints) -> Column:
        """The answers to a question about windows: of which of the things, between which lines (starts and ends)."""
        number, base = np.array([self._place(*thing) for thing in things]).T.take(which, axis=1)
        starts, ends = reach = self._reach[number, lines]
        if question == "days_since_first":
            return days_since(self._stream, starts, self.cutoff, ends - starts)
        if question == "days_since_last":
            return days_since(self._stream, ends - 1, self.cutoff, ends - starts)
        before, until = self._running.take(reach + base[:, None])
        if question == "last":
            return np.where(ends > starts, until - self._running.take(ends - 1 + base[:, None]), np.nan)
        total: Column = (until - before).astype(np.float64)
        return total

    def several(self, question: str, asked: Sequence[tuple[Any, ...]]) -> Column:
        """The answers to one question asked of several things, one line each."""
        if question in ("decayed", "largest"):
            by_cell = self._decayed if question == "decayed" else self._largest
            return np.concatenate([by_cell(*one) for one in asked]).reshape(len(asked), -1).take(self._cells, axis=1)
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
        last: Column = self.windowed("last", [(kind, of)], np.array([0]), np.array([[start], [end]]))[0]
        return last

    def decayed(self, kind: str, half_life_days: int, of: str) -> Column:
        """Decayed total of a kind at each row; weight 1, or the field `of` in its own unit."""
        return self._decayed(kind, half_life_days, of).take(self._cells)

    def largest(self, kind: str, of: str) -> Column:
        """Largest value of a field before each row's cutoff; NaN without events."""
        return self._largest(kind, of).take(self._cells)

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
    def _bases(self) -> dict[str, dict[str, int]]:
        """What added to a position gives the place of the running total there: by kind and field."""
        found: dict[str, dict[str, int]] = {}
        before, start = 0, len(self._stream.time) + 1
        for stream in self.grid.log.streams:
            width = len(stream.time) + 1
            places = range(start - before, start - before + len(stream.fields) * width, width)
            base = {COUNT: 0, **dict(zip(stream.fields, places, strict=True))}
            found |= dict.fromkeys(stream.kinds, base)
            before, start = before + width - 1, start + len(places) * width
        return found

    def _place(self, kind: str, of: str = COUNT) -> tuple[int, int]:
        """The number of a kind and the base of a field; the kind that never happened where there is no such field."""
        base = self._bases[kind].get(of) if kind in self._bases else None
        return (-1, 0) if base is None else (self._numbers[kind], base)

    def _until(self, kind: str, of: str, line: int) -> Ints:
        number, base = self._place(kind, of)
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
    def _cells_of_kind(self) -> int:
        return len(self.grid.log.customer_ids) * (len(self.grid.cutoffs) + 1)

    @cached_property
    def _fading(self) -> tuple[Ints, NDArray[np.float64]]:
        """For each event its cell, those of each kind behind those of the kind before, and its age in days then."""
        stream, cells = self._stream, self._cells_of_kind
        place = self.grid.ruler.next_cutoff.take(self._slots)
        until = np.append(self.grid.cutoffs, NEVER_US).take(place)
        cell = np.arange(0, len(stream.kinds) * cells, cells).repeat(stream.events)
        cell += stream.customer * (len(self.grid.cutoffs) + 1)
        cell += place
        return cell, np.multiply(until - stream.time, 1.0 / DAY_US, dtype=np.float64)

    def _decayed(self, kind: str, half_life_days: int, of: str) -> Column:
        """Decayed totals of a kind by cell."""
        key = (half_life_days, of, kind if of else "")  # unweighted, all kinds are done with one of them
        found = self._by_cell.get(key)
        if found is None:
            (cell, age_days), weight = self._fading, None
            if of:
                own, values = self._own(kind, of)
                cell, age_days, weight = cell[own], age_days[own], values / SCALE
            shape = (len(self._stream.kinds) * len(self.grid.log.customer_ids), self.grid.ruler.gaps_days)
            found = decayed(cell, age_days, weight, shape, half_life_days).reshape(-1, self._cells_of_kind)
            self._by_cell[key] = found
        by_cell: Column = found[self._number(kind)]
        return by_cell

    def _largest(self, kind: str, of: str) -> Column:
        """Largest value of a field of a kind by cell."""
        own, values = self._own(kind, of)
        cell = self._fading[0][own] - self._number(kind) * self._cells_of_kind
        return largest(cell, values, len(self.grid.log.customer_ids), len(self.grid.cutoffs) + 1)

    def _own(self, kind: str, of: str) -> tuple[slice, Ints]:
        """Where the events of a kind stand among all, and their values of a field."""
        if kind not in self.grid.log.places:
            return slice(0, 0), np.zeros(0, dtype=np.int64)
        (stream, place), number = self.grid.log.places[kind], self._number(kind)
        values = stream.fields[of][stream.part(range(place, place + 1))]
        return self._stream.part(range(number, number + 1)), values


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
