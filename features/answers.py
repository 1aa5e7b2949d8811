"""What rows are told of their events between two days before their cutoff: how many, what they come to, how long ago.

The two days of a window are given by their lines in the grid's entries. There are two ways to the same bits: with many
rows each answer is worked out when it is asked for, as here; with few, as in a request, many at once (`features.few`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from features.grid import Column, Grid
from features.log import DAY_US, SCALE, Ints, Stream

COUNT = ""
# As floats, which numbers are divided by in half the time that it takes with integers.
_DAY_US, _SCALE = float(DAY_US), float(SCALE)


@dataclass(frozen=True)
class Answers:
    """Each answer when it is asked for; a row is a customer and the place of a cutoff in the grid."""

    grid: Grid
    customer: Ints
    place: Ints
    _reached: dict[tuple[str, int], Ints] = field(default_factory=dict, repr=False)

    def stream_of(self, kind: str) -> Stream:
        """The stream that holds a kind."""
        return self.grid.log.of(kind)

    def reach(self, kind: str, line: int) -> Ints:
        """Position in that stream of each row's first event that is not before the days of this line."""
        found = self._reached.get((kind, line))
        if found is None:
            kinds, positions = self.grid.positions(kind)
            found = self._reached[kind, line] = positions[kinds.index(kind)].take(self.entries[line])
        return found

    def total(self, kind: str, of: str, start: int, end: int) -> Column:
        """Total of a field, or the COUNT, of the events between two lines."""
        return _shared((self._until(kind, of, end) - self._until(kind, of, start)).astype(np.float64))

    def sum(self, kind: str, of: str, start: int, end: int) -> Column:
        """Total of a money or value field in its own unit."""
        return _shared(self.total(kind, of, start, end) / _SCALE)

    def days_since_first(self, kind: str, start: int, end: int) -> Column:
        """Days from the earliest event between two lines to the cutoff; NaN without one."""
        first, end_of = self.reach(kind, start), self.reach(kind, end)
        return _shared(days_since(self.stream_of(kind), first, self.cutoff, end_of - first))

    def days_since_last(self, kind: str, start: int, end: int) -> Column:
        """Days from the latest event between two lines to the cutoff; NaN without one."""
        first, end_of = self.reach(kind, start), self.reach(kind, end)
        return _shared(days_since(self.stream_of(kind), end_of - 1, self.cutoff, end_of - first))

    def last(self, kind: str, of: str, start: int, end: int) -> Column:
        """The field of the latest event between two lines, as stored; NaN without one."""
        stream, first, end_of = self.stream_of(kind), self.reach(kind, start), self.reach(kind, end)
        if not len(stream.time):
            return np.full(len(first), np.nan)
        return np.where(end_of > first, at(stream.fields[of], end_of - 1), np.nan)

    def days_from_first_to(self, kind: str, number: int, start: int, end: int) -> Column:
        """Days from the first event between two lines to that of a number (1 is the second); NaN when there is none."""
        time, first, end_of = self.stream_of(kind).time, self.reach(kind, start), self.reach(kind, end)
        days = (at(time, first + number) - at(time, first)) / _DAY_US
        return np.where(end_of - first > number, days, np.nan)

    def by_cutoff(self, told: Callable[..., float], *asked: Hashable) -> Column:
        """What is told of the day (since 1970) of each row's cutoff."""
        return np.array([told(day, *asked) for day in self._cutoff_days], dtype=np.float64).take(self.place)

    def decayed(self, kind: str, half_life_days: int, of: str) -> Column:
        """Decayed total of a kind at each row; weight 1, or the field `of` in its own unit."""
        return self.grid.decayed(kind, half_life_days, of).take(self._cells)

    def largest(self, kind: str, of: str) -> Column:
        """Largest value of a field before each row's cutoff; NaN without events."""
        return self.grid.largest(kind, of).take(self._cells)

    @cached_property
    def cutoff(self) -> Ints:
        """The cutoff of each row in microseconds."""
        return self.grid.cutoffs.take(self.place)

    @cached_property
    def entries(self) -> Ints:
        """For each line and row the entry in the positions of a kind."""
        return self.grid.ruler.entries.take(self.place, axis=1) + self.customer * (len(self.grid.instants) + 2)

    @cached_property
    def _cutoff_days(self) -> list[int]:
        days: list[int] = (self.grid.cutoffs // DAY_US).tolist()
        return days

    @cached_property
    def _cells(self) -> Ints:
        return self.customer * (len(self.grid.cutoffs) + 1) + self.place

    def _until(self, kind: str, of: str, line: int) -> Ints:
        reach = self.reach(kind, line)
        return self.stream_of(kind).until(of, reach) if of else reach


def days_since(stream: Stream, position: Ints, cutoff: Ints, count: Ints) -> Column:
    """Days from the events at some positions to the cutoff; NaN where the count of events is 0."""
    return np.where(count, (cutoff - at(stream.time, position)) / _DAY_US, np.nan)


def at(values: Ints, position: Ints) -> Ints:
    """Values at positions; where a row has no event the position is clipped and the caller masks the result."""
    return values.take(position, mode="clip") if len(values) else np.zeros(position.shape, dtype=np.int64)


def _shared(column: Column) -> Column:
    """The column, from now on read-only."""
    column.setflags(write=False)
    return column
