"""The chance of a second order, calibrated on the latest closed snapshot if that would have paid at earlier ones.

A snapshot holds the first-time buyers of one cutoff: the process model's log odds of an order within the days asked
for (models/timing.py), and whether there was one, once these days are over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.btyd import Floats
from models.calibration import Calibration, fitted_calibration
from models.formulas import probability
from models.metrics import grouped, log_loss

ORIGINS = 6  # earlier snapshots that are asked at most


@dataclass(frozen=True)
class Buyers:
    """First-time buyers at one cutoff; `day` counts from any origin, `ordered` is 0 or 1."""

    day: float
    log_odds: Floats
    ordered: NDArray[np.int8]


def calibration_that_pays(snapshots: Sequence[Buyers], days: float) -> tuple[Calibration, dict[str, float]]:
    """The calibration to use now, and the mean log loss without and with one at earlier cutoffs (empty: not known).

    `snapshots` are closed now, oldest first; at each earlier one only those closed by then are looked at.
    """
    losses = [
        (_loss(Calibration(), one), _loss(_latest(known), one))
        for one in snapshots[-ORIGINS:]
        for known in [[other for other in snapshots if other.day + days <= one.day]]
        if known and len(one.ordered)
    ]
    if not losses:
        return Calibration(), {}
    plain, calibrated = (float(np.mean(side)) for side in zip(*losses, strict=True))
    found = _latest(snapshots) if calibrated < plain else Calibration()
    return found, {"plain": plain, "calibrated": calibrated}


def _latest(snapshots: Sequence[Buyers]) -> Calibration:
    last = snapshots[-1]
    return fitted_calibration(last.log_odds, last.ordered) if len(last.ordered) else Calibration()


def _loss(calibration: Calibration, buyers: Buyers) -> float:
    return float(log_loss(grouped(buyers.ordered, probability(calibration.log_odds(buyers.log_odds))))[0])
