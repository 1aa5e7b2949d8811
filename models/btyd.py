"""BG/NBD formulas (Fader, Hardie & Lee 2005), vectorised and in logs; x counts, all times in days.

x = repeat occasions, t_x = first to last occasion, T = first occasion to cutoff. While alive a customer buys at rate
λ ~ Gamma(r, rate α) and leaves after each repeat occasion with probability p ~ Beta(a, b). NumPy only: the endpoint
uses this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BgNbd:
    """The four parameters: r, alpha (days) of the purchase rate; a, b of the drop-out probability."""

    r: float
    alpha: float
    a: float
    b: float


def dead_log_odds(model: BgNbd, x: Floats, t_x: Floats, T: Floats) -> Floats:
    """Log odds of being gone at T; −∞ without a repeat, because nobody leaves before the first one."""
    repeats = np.maximum(x, 1.0)
    drop = np.log(model.a) - np.log(model.b + repeats - 1.0)
    silence = (model.r + x) * (np.log(model.alpha + T) - np.log(model.alpha + t_x))
    return np.where(x > 0, drop + silence, -np.inf)


def alive_probability(model: BgNbd, x: Floats, t_x: Floats, T: Floats) -> Floats:
    """P(alive at T | x, t_x, T)."""
    return np.exp(-np.logaddexp(0.0, dead_log_odds(model, x, t_x, T)))


def quiet_log_probability(model: BgNbd, x: Floats, T: Floats, horizon: float) -> Floats:
    """Log P(no order in the horizon | alive at T): λ | alive ~ Gamma(r + x, α + T), so q = ((α+T)/(α+T+h))^(r+x)."""
    return (model.r + x) * np.log1p(-horizon / (model.alpha + T + horizon))


def no_order_log_odds(model: BgNbd, x: Floats, t_x: Floats, T: Floats, horizon: float) -> Floats:
    """Log odds of 1 − P(alive) + P(alive)·q, which are log((e^d + q)/(1 − q)); d, q as above."""
    log_q = quiet_log_probability(model, x, T, horizon)
    return np.logaddexp(dead_log_odds(model, x, t_x, T), log_q) - np.log(-np.expm1(log_q))
