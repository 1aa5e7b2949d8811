"""The one place where an event's time is compared with a cutoff.

An event counts as past when its time is strictly before the instant: windows are half open, `[cutoff - days, cutoff)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.errors import DataError
from features.log import EventLog, Facts, Ints

_LARGEST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Clock:
    """Finds, for many rows at once, how far each customer's events reach by an instant.

    A customer and a time share one sortable integer, `customer * stride + (time - first)`: one binary search answers.
    """

    first: int
    stride: int
    keys: Mapping[str, Ints]

    @classmethod
    def over(cls, log: EventLog) -> Clock:
        """The clock of a log; raises DataError when its customers and span do not fit one 64-bit key."""
        first, last = log.span
        stride = last - first + 2
        if len(log.customer_ids) * stride > _LARGEST:
            raise DataError(
                f"{len(log.customer_ids)} customers over {stride // 86_400_000_000} days do not fit one block. "
                "Lower features.customers_per_block."
            )
        keys = {kind: cls._key(facts, first, stride) for kind, facts in log.facts.items()}
        return cls(first, stride, keys)

    def events_before(self, kind: str, customer: Ints, instant: Ints) -> Ints:
        """Position, in the kind's events, of the first one of `customer` that is not strictly before `instant`."""
        if kind not in self.keys:
            return np.zeros(len(customer), dtype=np.int64)
        offset = np.minimum(np.maximum(instant - self.first, 0), self.stride - 1)
        return np.searchsorted(self.keys[kind], customer * self.stride + offset, side="left")

    @staticmethod
    def _key(facts: Facts, first: int, stride: int) -> Ints:
        return facts.customer * stride + (facts.time - first)
