"""Activity that fades by half every `half_life_days`, as of each of some cutoffs.

D_k = D_(k-1) · 2^-((c_k - c_(k-1)) / half-life) + Σ w_i · 2^-((c_k - t_i) / half-life) over the events between the two
cutoffs: one power per event, however many cutoffs there are, and nothing ever grows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.log import Ints

Floats = NDArray[np.float64]


def decayed(
    cell: Ints, age_days: Floats, weight: Floats | None, shape: tuple[int, Floats], half_life_days: int
) -> Floats:
    """Decayed totals by cell, which is customer * (cutoffs + 1) + place of the cutoff; the last place is of no use.

    cell: of the first cutoff after each event, the last place when there is none; age_days: the event's age then;
    weight: None counts events; shape: the number of customers, and the days between the cutoffs.
    """
    customers, gaps_days = shape
    places, rate = len(gaps_days) + 2, -1.0 / half_life_days
    power = np.exp2(age_days * rate)
    if weight is not None:
        power *= weight
    total = np.bincount(cell, power, customers * places).astype(np.float64, copy=False)
    for place, gap_days in enumerate(gaps_days.tolist(), start=1):
        total[place::places] += total[place - 1 :: places] * np.exp2(gap_days * rate)
    return total


def largest(cell: Ints, values: Ints, customers: int, places: int) -> Floats:
    """Largest value by cell, of the events in it and in the customer's cells before it; NaN where there are none."""
    most = np.full(customers * places, np.nan)
    np.fmax.at(most, cell, values.astype(np.float64))
    return np.fmax.accumulate(most.reshape(customers, places), axis=1).reshape(-1)
