"""Cohorts that live by BG/NBD or MBG/NBD themselves, so that the right answer is known."""

from __future__ import annotations

import numpy as np

from models.btyd import BgNbd


def simulated(
    model: BgNbd, customers: int, seed: int, horizon: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, t_x, T, and the orders within `horizon` days of T."""
    draw = np.random.default_rng(seed)
    T = draw.uniform(200.0, 900.0, customers)
    rate, leave = draw.gamma(model.r, 1 / model.alpha, customers), draw.beta(model.a, model.b, customers)
    x, t_x, now, after, alive = *np.zeros((4, customers)), np.ones(customers, bool)
    if model.chances_before_repeat:
        alive &= draw.uniform(size=customers) >= leave
    while alive.any():
        now = now + draw.exponential(1.0, customers) / rate
        alive &= now < T + horizon
        past = alive & (now < T)
        x, t_x, after = x + past, np.where(past, now, t_x), after + (alive & ~past)
        alive &= draw.uniform(size=customers) >= leave
    return x, t_x, T, after
