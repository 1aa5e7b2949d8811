"""Whether an interval for the wait until the next order holds what it promises, when not every wait has ended.

A wait is days from the cutoff to the next order, ∞ while none has come by the end of the log, `follow_up_days` later.
Of those who wait on, nobody knows who will ever return. So two things are told: among those who returned, the coverage
of the interval for a wait known to end in the time observed, where nothing is censored; and the bounds between which
the coverage of the published interval must lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.btyd import BgNbd, Floats
from models.timing import LONGEST_WAIT_DAYS, expected_wait_days


@dataclass(frozen=True)
class Settled:
    """Customers by how their published interval fared; who waits is `open` while it may still be met, else `past`.

    `all_known`: the log goes on for longer than the longest wait, so who waits is outside the promise.
    """

    before: int
    inside: int
    after: int
    waiting_open: int
    waiting_past: int
    all_known: bool = False

    @property
    def returned(self) -> int:
        """Customers whose wait ended in the time observed."""
        return self.before + self.inside + self.after

    @property
    def lowest(self) -> float | None:
        """The coverage if everybody who waits returned in time after all, and outside the interval."""
        waiting = 0 if self.all_known else self.waiting_open + self.waiting_past
        return _share(self.inside, self.returned + waiting)

    @property
    def highest(self) -> float | None:
        """The coverage if everybody who still can returned inside the interval, and nobody else at all."""
        possible = 0 if self.all_known else self.waiting_open
        return _share(self.inside + possible, self.returned + possible)


def settled(interval: tuple[Floats, Floats], waits: Floats, follow_up_days: float) -> Settled:
    """The published interval (low, high) of each customer against what happened."""
    low, high = interval
    seen_days = min(follow_up_days, LONGEST_WAIT_DAYS)
    returned = waits <= seen_days
    past = ~returned & (high <= seen_days)
    return Settled(
        before=int((returned & (waits < low)).sum()),
        inside=int((returned & (waits >= low) & (waits <= high)).sum()),
        after=int((returned & (waits > high)).sum()),
        waiting_open=int((~returned & ~past).sum()),
        waiting_past=int(past.sum()),
        all_known=follow_up_days >= LONGEST_WAIT_DAYS,
    )


def covered(
    model: BgNbd, x: Floats, T: Floats, waits: Floats, follow_up_days: float, share: float
) -> tuple[NDArray[np.bool_], Floats]:
    """Who returned in the time observed; of these, 1.0 where inside the middle `share` of waits that end in it."""
    seen_days = min(follow_up_days, LONGEST_WAIT_DAYS)
    returned = waits <= seen_days
    _, low, high = expected_wait_days(model, x[returned], T[returned], share, seen_days)
    ended = waits[returned]
    return returned, ((ended >= low) & (ended <= high)).astype(np.float64)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
