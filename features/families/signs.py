"""Signs of life apart from orders: what a model of fading interest looks at (models/fading.py).

Each order comes with a visit, and says nothing of interest that the order does not say itself; the visits beyond those
tell when somebody began to fade. Many windows, because the moment is what matters.
"""

from __future__ import annotations

import numpy as np

from features.past import Column, Past
from features.registry import feature


@feature(unit="count", empty=0.0, windows_days=(7, 14, 21, 30, 45, 60, 90, 120, 180, None), needs=("session",))
def visits_alone(past: Past) -> Column:
    """Visits in the window beyond one for each order in it."""
    return np.maximum(past.of("session").count() - past.of("order").count(), 0.0)


@feature(unit="days", empty=None, needs=("session",))
def days_since_first_session(past: Past) -> Column:
    """Days from the first visit to the shop's site."""
    return past.of("session").days_since_first()
