"""Orders to expect within t days of a cutoff, given a history of purchases (BG/NBD and MBG/NBD).

Alive with rate λ and drop-out probability p she makes (1 − e^(−λpt))/p orders on average. Given the history and alive,
λ ~ Gamma(r + x, α + T) and p ~ Beta(a, b + k) (models/btyd.py), so the mean is E_p[(1 − (1 + pt/(α+T))^(−r−x))/p]
times P(alive). Fader, Hardie & Lee (2005), eq. 10, write that as a ₂F₁ which divides by a − 1; Gauss-Jacobi sums
over p hold for every a.
"""

from __future__ import annotations

import numpy as np
from scipy.special import roots_jacobi

from models.btyd import BgNbd, Floats, alive_probability

NODES = 40
NARROW = 400.0  # of a + b: from here p is as good as known, and the nodes would overflow


def expected_orders(model: BgNbd, x: Floats, t_x: Floats, T: Floats, horizon: float) -> Floats:
    """Mean number of orders within `horizon` days of T, alive or not."""
    orders = np.empty(len(x))
    for count in np.unique(x):
        same = x == count
        leave, weights = _drop_out(model.a, model.b + count + model.chances_before_repeat)
        growth = np.log1p(leave * horizon / (model.alpha + T[same, None]))
        orders[same] = (-np.expm1(-(model.r + count) * growth) / leave) @ weights
    return orders * alive_probability(model, x, t_x, T)


def _drop_out(a: float, b: float) -> tuple[Floats, Floats]:
    """Nodes and weights that sum to one, of a mean over p ~ Beta(a, b)."""
    if a + b > NARROW:
        return np.array([a / (a + b)]), np.ones(1)
    nodes, weights = roots_jacobi(NODES, b - 1.0, a - 1.0)
    return np.maximum((1.0 + nodes) / 2.0, 1e-12), weights / weights.sum()
