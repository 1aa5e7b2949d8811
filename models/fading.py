"""Buy till you die with interest that fades, vectorised; all times in days, ages counted back from the cutoff.

Orders as in Pareto/NBD (Schmittlein, Morrison & Colombo 1987): while alive a customer buys at rate λ ~ Gamma(r, α), and
how long she stays is Lomax, P(longer than u) = (1 + u / scale)^−stay. Other signs of life come at a rate of her own,
Gamma as well, times her interest: 1 until `fade` days before the end, then falling in a straight line, and `left` from
then on. A sign is a visit, whose chances are days, or an e-mail opened, whose chances are the e-mails sent.
The end is not seen. It may lie at any age up to that of the last order, or ahead: the answer sums over a grid of ends,
each with its chance given all that was seen. Every rate integrates out: (r + n) ln(α + chances weighted by interest).
NumPy only: the endpoint uses this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.btyd import Floats

GONE = (np.arange(17) / 16.0) ** 2  # edges of the ends behind us, as shares of the silence: dense where it is short
AHEAD = (np.arange(11) / 10.0) ** 1.5  # of those ahead, as shares of the horizon and of FADES
FADES = 3.0  # fades beyond the horizon: whoever ends later shows nothing yet
ROWS = 256  # at once
TINY = 1e-300


@dataclass(frozen=True)
class Sign:
    """Shape and rate of the gamma of one kind of sign, and the share of interest left after the end."""

    r: float
    alpha: float
    left: float


@dataclass(frozen=True)
class Fading:
    """The parameters: of lifetime, of fading, of orders, and of each kind of sign."""

    stay: float
    scale: float
    fade: float
    r: float
    alpha: float
    signs: tuple[Sign, ...]


@dataclass(frozen=True)
class Seen:
    """One kind of sign: edges of ages (n, b + 1), and how many came and could have come between them (n, b)."""

    ages: Floats
    counts: Floats
    chances: Floats

    def rows(self, some: slice) -> Seen:
        """Some of the customers."""
        return Seen(self.ages[some], self.counts[some], self.chances[some])


@dataclass(frozen=True)
class Lives:
    """What was seen of customers: x repeat occasions, age T of the first, silence since the last, and signs."""

    x: Floats
    silence: Floats
    T: Floats
    signs: tuple[Seen, ...]

    def rows(self, some: slice) -> Lives:
        """Some of the customers."""
        signs = tuple(sign.rows(some) for sign in self.signs)
        return Lives(self.x[some], self.silence[some], self.T[some], signs)

    def blocks(self) -> Iterator[Lives]:
        """All of them, ROWS at once: what is computed of a block stays near the processor."""
        yield from (self.rows(slice(at, at + ROWS)) for at in range(0, max(len(self.T), 1), ROWS))


@dataclass(frozen=True)
class Ends:
    """Ages of possible ends (n, k), below 0 ahead, with log weights; `beyond` is the weight of none of them."""

    age: Floats
    weight: Floats
    beyond: Floats


def no_order_log_odds(model: Fading, lives: Lives, horizon: float) -> Floats:
    """Log odds of no order in the horizon."""
    return np.concatenate([_no_order(model, some, horizon) for some in lives.blocks()])


def ends_of(model: Fading, lives: Lives, horizon: float) -> Ends:
    """Weights of all possible ends; what has nothing to do with the end is left out of them."""
    ahead = -(FADES * model.fade + horizon) * AHEAD[::-1]
    edges = np.hstack([np.broadcast_to(ahead, (len(lives.T), len(ahead))), lives.silence[:, None] * GONE[1:]])
    age, old = (edges[:, 1:] + edges[:, :-1]) / 2.0, lives.T[:, None]
    stays = _stays(model, old - edges)
    repeats = model.r + lives.x
    weight = np.log(np.maximum(np.diff(stays, axis=1), TINY))
    weight -= repeats[:, None] * np.log(model.alpha + old - np.maximum(age, 0.0))
    beyond = np.log(np.maximum(stays[:, 0], TINY)) - repeats * np.log(model.alpha + lives.T)
    for sign, seen in zip(model.signs, lives.signs, strict=True):
        faded, whole = _sign_weights(sign, seen, age, model.fade)
        weight, beyond = weight + faded, beyond + whole
    return Ends(age, weight, beyond)


def interest_over(age: Floats, end: Floats, fade: float, left: float) -> Floats:
    """Integral of interest over the last `age` days, for an end `end` days ago (below 0: ahead)."""
    return np.asarray(fade * (_whole((age - end) / fade, left) - _whole(-end / fade, left)))


def _whole(fades: Floats, left: float) -> Floats:
    """Integral of interest from the end on, in units of `fade`: `left` below `left`, then as it is, 1 above 1."""
    over = fades - left
    part = np.clip(over, 0.0, 1.0 - left)
    return np.asarray(left * fades + part * (over - 0.5 * part))


def _sign_weights(sign: Sign, seen: Seen, end: Floats, fade: float) -> tuple[Floats, Floats]:
    ages, whole_life = seen.ages / fade, sign.r + seen.counts.sum(axis=1)
    whole = _whole(ages[:, None, :] - (end / fade)[:, :, None], sign.left)
    apart = np.maximum(ages[:, 1:] - ages[:, :-1], 1e-9)[:, None, :]
    interest = np.clip((whole[:, :, 1:] - whole[:, :, :-1]) / apart, sign.left, 1.0)
    chances = np.einsum("nkb,nb->nk", interest, seen.chances)
    came = np.einsum("nkb,nb->nk", np.log(interest), seen.counts)
    faded = came - whole_life[:, None] * np.log(sign.alpha + chances)
    return faded, -whole_life * np.log(sign.alpha + seen.chances.sum(axis=1))


def _stays(model: Fading, days: Floats) -> Floats:
    return np.asarray((1.0 + np.maximum(days, 0.0) / model.scale) ** -model.stay)


def _no_order(model: Fading, lives: Lives, horizon: float) -> Floats:
    ends = ends_of(model, lives, horizon)
    weight = np.column_stack([ends.weight, ends.beyond])
    chance = np.exp(weight - weight.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    open_days = np.column_stack([np.clip(-ends.age, 0.0, horizon), np.full(len(lives.T), horizon)])
    repeats = (model.r + lives.x)[:, None]
    quiet = -repeats * np.log1p(open_days / (model.alpha + lives.T)[:, None])
    none, some = (chance * np.exp(quiet)).sum(axis=1), (chance * -np.expm1(quiet)).sum(axis=1)
    return np.asarray(np.log(np.maximum(none, TINY)) - np.log(np.maximum(some, TINY)))
