"""Calibration in log odds: logit p = intercept + slope · score (Platt 1999), learned where the trees have not been.

Two numbers, so a small shop does not overfit them, JSON holds them, and the order of customers never changes (slope >
0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.btyd import Floats
from models.candidate import Labels
from models.formulas import probability

PRIOR_ROWS = 25.0  # weight of "the score is right already", in rows; matters only for shops with few customers
MIN_SLOPE = 0.1


@dataclass(frozen=True)
class Calibration:
    """The mapping; the identity by default."""

    intercept: float = 0.0
    slope: float = 1.0

    def log_odds(self, scores: Floats) -> Floats:
        """Calibrated log odds of the raw ones."""
        return self.intercept + self.slope * scores


def fitted_calibration(scores: Floats, churned: Labels) -> Calibration:
    """Penalised maximum likelihood by Newton steps; the identity when everybody churned or nobody did."""
    if np.ptp(churned) == 0:
        return Calibration()
    design = np.column_stack([np.ones(len(scores)), scores])
    start = np.array([0.0, 1.0])
    strength = np.diag([1.0, max(float(scores.var()), 1e-6)]) * PRIOR_ROWS / 4
    theta = start
    for _ in range(50):
        expected = probability(design @ theta)
        slope = design.T @ (churned - expected) - strength @ (theta - start)
        curvature = (design * (expected * (1 - expected))[:, None]).T @ design + strength
        step = np.linalg.solve(curvature, slope)
        theta = theta + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-10:
            break
    return Calibration(float(theta[0]), max(float(theta[1]), MIN_SLOPE))
