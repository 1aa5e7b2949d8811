"""Whether a calibration still holds: the churners expected at a cutoff beside those that came, and what chance allows.

If everybody's probability p is right, the number of churners has mean Σp and variance Σp(1 − p), customers deciding by
themselves. What moves all of them at once, a season or a trend, shows as a gap wider than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from models.btyd import Floats
from models.candidate import Labels
from models.plain import Json

WIDTH = 1.96  # standard deviations either side: 95 of 100 gaps by chance alone


@dataclass(frozen=True)
class Promise:
    """Churn rates at one cutoff: as expected, as observed, and the range chance alone gives around the expected."""

    expected: float
    observed: float
    low: float
    high: float

    @classmethod
    def of(cls, chance: Floats, churned: Labels) -> Self:
        """From everybody's P(churned) and what happened."""
        expected = float(chance.mean())
        width = WIDTH * float(np.sqrt((chance * (1.0 - chance)).sum())) / len(chance)
        return cls(expected, float(churned.mean()), expected - width, expected + width)

    @property
    def holds(self) -> bool:
        """Is the gap no wider than chance alone makes it?"""
        return self.low <= self.observed <= self.high

    def described(self) -> dict[str, Json]:
        """For reports/backtest.json."""
        return {
            "expected": self.expected,
            "observed": self.observed,
            "low": self.low,
            "high": self.high,
            "holds": self.holds,
        }

    def warning(self, name: str, origin: str) -> str:
        """What to say when it does not hold."""
        return (
            f"calibration drifted: at origin {origin[:10]} {name} expected {self.expected:.1%} to churn "
            f"({self.low:.1%} to {self.high:.1%} by chance), and {self.observed:.1%} did"
        )
