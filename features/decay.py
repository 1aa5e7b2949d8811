"""Activity that fades by half every `half_life_days`, as of each of some cutoffs.

D_k = D_(k-1) · 2^-((c_k - c_(k-1)) / half-life) + Σ w_i · 2^-((c_k - t_i) / half-life) over the events between the two
cutoffs: one power per event, however many cutoffs there are, and nothing ever grows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.log import DAY_US, Ints


def decayed(
    customer: Ints, time: Ints, slot: Ints, weight: NDArray[np.float64] | None, grid: tuple[int, Ints, int]
) -> NDArray[np.float64]:
    """Matrix of customers × cutoffs; `slot` is each event's first cutoff after it, `weight` None counts events.

    `grid` is the number of customers, the ascending cutoffs in microseconds, and the half-life in days.
    """
    customers, cutoffs, half_life_days = grid
    seen = slot < len(cutoffs)
    who, at = customer[seen], slot[seen]
    power = np.exp2((time[seen] - cutoffs[at]) * (1.0 / (DAY_US * half_life_days)))
    if weight is not None:
        power *= weight[seen]
    counted = np.bincount(who * len(cutoffs) + at, weights=power, minlength=customers * len(cutoffs))
    total = counted.astype(np.float64).reshape(customers, len(cutoffs))
    fading = np.exp2(-np.diff(cutoffs) / (DAY_US * half_life_days))
    for place, fade in enumerate(fading.tolist(), start=1):
        total[:, place] += total[:, place - 1] * fade
    return total
