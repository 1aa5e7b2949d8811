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
    """Decayed totals, customers × cutoffs.

    cell: customer * (cutoffs + 1) + place of the first cutoff after the event, the last place for none; age_days: the
    event's age then; weight: None counts events; shape: the number of customers, and the days between the cutoffs.
    """
    customers, gaps_days = shape
    cutoffs = len(gaps_days) + 1
    power = np.exp2(age_days * (-1.0 / half_life_days))
    if weight is not None:
        power *= weight
    counted = np.bincount(cell, weights=power, minlength=customers * (cutoffs + 1))
    total: Floats = counted.astype(np.float64, copy=False).reshape(customers, cutoffs + 1)[:, :cutoffs]
    for place, fade in enumerate(np.exp2(gaps_days * (-1.0 / half_life_days)).tolist(), start=1):
        total[:, place] += total[:, place - 1] * fade
    return total
