"""What a future brought against another, person by person: the same luck in both, so only the touches differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from pipeline.loop.futures import Future
from serving.history import Floats

SHARE = 0.95


@dataclass(frozen=True)
class Gain:
    """Mean difference per customer and its interval; people are independent, their luck is common to both futures."""

    value: float
    low: float
    high: float
    customers: int

    def __str__(self) -> str:
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


def gain(future: Future, without: Future) -> Gain:
    """Net margin per customer against the other future."""
    return mean_gain(future.net - without.net)


def mean_gain(difference: Floats) -> Gain:
    """The mean of differences, one per person, with its interval."""
    mean, count = float(difference.mean()), len(difference)
    error = float(difference.std(ddof=1)) / np.sqrt(count) if count > 1 else float("nan")
    reach = float(stats.norm.ppf((1.0 + SHARE) / 2.0)) * error
    return Gain(mean, mean - reach, mean + reach, count)
