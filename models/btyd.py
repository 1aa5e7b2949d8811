"""Buy-till-you-die formulas, vectorised and in logs; x counts, all times in days.

x = repeat occasions, t_x = first to last occasion, T = first occasion to cutoff. While alive a customer buys at rate
λ ~ Gamma(r, rate α) and leaves after an occasion with probability p ~ Beta(a, b): after each repeat (BG/NBD, Fader,
Hardie & Lee 2005), or after the first one too (MBG/NBD, Batislam, Denizel & Filiztekin 2007). So she had k = x chances
to leave, or k = x + 1, and that is the whole difference. NumPy only: the endpoint uses this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
    chances_before_repeat: ClassVar[int] = 0  # to leave


@dataclass(frozen=True)
class MbgNbd(BgNbd):
    """The same four parameters, where a customer may be gone right after her first occasion."""

    chances_before_repeat: ClassVar[int] = 1


def dead_log_odds(model: BgNbd, x: Floats, t_x: Floats, T: Floats) -> Floats:
    """Log odds of being gone at T, after k chances to leave; −∞ before the first chance."""
    chances = x + model.chances_before_repeat
    drop = np.log(model.a) - np.log(model.b + np.maximum(chances, 1.0) - 1.0)
    silence = (model.r + x) * (np.log(model.alpha + T) - np.log(model.alpha + t_x))
    return np.where(chances > 0, drop + silence, -np.inf)


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
