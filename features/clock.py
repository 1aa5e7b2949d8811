"""The one place where an event's time is compared with a cutoff.

An event counts as past when its time is strictly before the instant: windows are half open, `[cutoff - days, cutoff)`.
Events are not searched for each row and window: each falls into the slot between two neighbouring instants, the slots
are counted, and the running total of the counts is the answer for every instant at once.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from features.log import DAY_US, Ints, Stream


def slots(time: Ints, instants: Ints) -> Ints:
    """For each time the place of the first instant it lies strictly before; `len(instants)` when it lies before none.

    `instants` ascend. An event at the very instant is not before it.
    """
    if not len(instants):
        return np.zeros(len(time), dtype=np.int64)
    first, last = int(instants[0]), int(instants[-1])
    if len(time) < 10_000 or ((instants - first) % DAY_US).any():
        return np.searchsorted(instants, time, side="right")
    # Instants whole days apart, as those of a calendar are: a table by day is five times faster than a search.
    by_day = np.searchsorted(instants, first + DAY_US * np.arange(-1, (last - first) // DAY_US + 1), side="right")
    day = (np.minimum(np.maximum(time, first - 1), last) - first) // DAY_US
    slot: Ints = by_day[day + 1]
    return slot


def positions(stream: Stream, kinds: range, slot: Ints, customers: int, instants: int) -> Ints:
    """How far each customer's events of some neighbouring kinds reach by each instant, as positions in the stream.

    Shape (kinds, customers * (instants + 2)): the entry `customer * (instants + 2)` is the position of the customer's
    first event, and the entry `1 + place` after it that of their first event that is not before that instant.
    """
    bounds, width = stream.bounds[kinds.start : kinds.stop + 1], instants + 2
    lengths = [end - start for start, end in pairwise(bounds)]
    cell = (np.arange(len(kinds)) * (customers * width) + 1).repeat(lengths)
    cell += stream.customer[bounds[0] : bounds[-1]] * width
    cell += slot[bounds[0] : bounds[-1]]
    # The events are sorted as the cells are, so one running total is the position wherever one looks.
    reach = np.bincount(cell, minlength=len(kinds) * customers * width)
    reach[0] = bounds[0]
    np.add.accumulate(reach, out=reach)
    return reach.reshape(len(kinds), customers * width)
