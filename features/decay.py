"""Running totals of activity that fades by half every `half_life_days`, exact per customer.

S_i = w_i + S_(i-1) · 2^-((t_i - t_(i-1)) / half-life), solved for all customers at once by doubling: after step k each
entry holds the sum over its last 2^k events. Terms only ever shrink, so nothing overflows and no customer sees another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.log import DAY_US, SCALE, Facts


def decayed_totals(facts: Facts, half_life_days: int, field: str) -> NDArray[np.float64]:
    """The decayed total right at each event, the event itself included; weight 1, or `field` in its own unit."""
    count = len(facts.time)
    total = facts.fields[field] / SCALE if field else np.ones(count)
    first = np.maximum.accumulate(np.where(facts.starts_customer, np.arange(count), 0)) if count else facts.time
    place = np.arange(count) - first
    reach = 1
    while count and reach <= place.max():
        late = np.flatnonzero(place >= reach)
        age_days = (facts.time[late] - facts.time[late - reach]) / DAY_US
        total[late] += total[late - reach] * np.exp2(-age_days / half_life_days)
        reach *= 2
    return total
