"""The rows of a snapshot, one customer at one cutoff each, and who answers what is asked of their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.answers import Answers
from features.few import AnswersAtOnce
from features.grid import Grid
from features.log import EventLog, Ints


@dataclass(frozen=True)
class Rows:
    """The rows of a snapshot: aligned arrays of customer index and place among the grid's cutoffs."""

    grid: Grid
    customer: Ints
    place: Ints

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
        return Rows(self.grid, self.customer[chosen], self.place[chosen])

    @property
    def log(self) -> EventLog:
        """The log the rows look at."""
        return self.grid.log

    @property
    def cutoff(self) -> Ints:
        """The cutoff of each row in microseconds."""
        return self.answers.cutoff

    @property
    def are_few(self) -> bool:
        """Is it worth while to ask for all at once?"""
        return self.grid.is_small

    @cached_property
    def answers(self) -> Answers:
        """What the rows are told of their events."""
        way = AnswersAtOnce if self.are_few else Answers
        return way(self.grid, self.customer, self.place)

    def window(self, starts_days: int | None, ends_days: int) -> tuple[Answers, int, int]:
        """What answers for the events between two days before each row's cutoff, and its lines for the two."""
        line_of = self.grid.ruler.line_of
        if starts_days in line_of and ends_days in line_of:
            return self.answers, line_of[starts_days], line_of[ends_days]
        # Days that no feature declares, as those of a label, get a small grid of their own.
        days = (0, ends_days if starts_days is None else starts_days, ends_days)
        beside = Rows(Grid(self.log, self.grid.cutoffs, days), self.customer, self.place)
        return beside.window(starts_days, ends_days)
