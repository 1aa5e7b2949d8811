"""BG/NBD by maximum likelihood with analytic gradients in the logs of r, α, a, b.

Fader, Hardie & Lee, "Counting your customers the easy way", Marketing Science 24 (2005), eq. 6, here in logs:
ln L = A1 + A2 + ln(e^A3 + [k > 0] e^A4), k = chances to leave so far: x here, x + 1 in models/mbgnbd.py. Rows of one
customer at several cutoffs are one history seen several times, so only the rows of the latest training cutoff enter
the likelihood; equal histories enter once, with their number as weight.
"""

from __future__ import annotations

from copy import copy
from dataclasses import asdict
from typing import ClassVar, Self, TypeVar

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln

from features.errors import ModelError
from models.btyd import BgNbd, Floats
from models.candidate import Candidate, Labels, Moments

Model = TypeVar("Model", bound=BgNbd)
COLUMNS = ("btyd_x", "btyd_t_x", "btyd_T")
STARTS = ((0.0, 0.0, 0.0), (-1.0, -1.0, 1.0))  # log r, log a, log b
LIMIT = 12.0  # of |log parameter|, in units of the mean T for α: beyond it the data does not identify the parameter


class BgNbdChurn(Candidate):
    """P(no order in the horizon) of a customer who buys at her own rate until she silently leaves."""

    kind: ClassVar[str] = "bgnbd"
    model: ClassVar[type[BgNbd]] = BgNbd

    def __init__(self, horizon_days: int = 90) -> None:
        self.horizon_days = horizon_days

    def fit(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None = None) -> Self:
        """Maximum likelihood of the purchase histories; the label is not used."""
        self._begin(X, y, cutoffs)
        self._learn(X if cutoffs is None else X.loc[cutoffs == cutoffs.max()])
        return self

    def refreshed(self, known: pd.DataFrame) -> Self:
        """Learned again from newer purchase histories: it needs no label, so it need not wait for a horizon to end."""
        again = copy(self)
        if len(known):
            again._learn(known)
        return again

    def _learn(self, X: pd.DataFrame) -> None:
        self.model_ = fitted_btyd(self.model, *(X[name].to_numpy(np.float64) for name in COLUMNS))
        self.formula_ = {
            "kind": self.kind,
            "columns": list(COLUMNS),
            "horizon_days": float(self.horizon_days),
            **asdict(self.model_),
        }


def fitted_bgnbd(x: Floats, t_x: Floats, T: Floats) -> BgNbd:
    """Parameters of maximum likelihood, from counts and days."""
    return fitted_btyd(BgNbd, x, t_x, T)


def fitted_btyd(model: type[Model], x: Floats, t_x: Floats, T: Floats) -> Model:
    """The best of several starts; raises ModelError when none converges."""
    unit = max(float(T.mean()), 1.0)
    (counts, last, age), weights = distinct_histories(x, t_x / unit, T / unit)

    def loss(theta: Floats) -> tuple[float, Floats]:
        value, slope = log_likelihood(theta, counts, last, age, weights, model.chances_before_repeat)
        return -value / len(x), -slope / len(x)

    bounds = [(-LIMIT, LIMIT)] * 4
    runs = [
        minimize(
            loss,
            np.array([r, 0.0, a, b]),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-7},
        )
        for r, a, b in STARTS
    ]
    best = min(runs, key=lambda run: float(run.fun))
    if not np.isfinite(best.fun):
        raise ModelError(f"BG/NBD did not converge on {len(x):,} customers; leave it out of train.candidates.")
    r, alpha, a, b = np.exp(best.x)
    return model(float(r), float(alpha * unit), float(a), float(b))


def distinct_histories(x: Floats, t_x: Floats, T: Floats) -> tuple[tuple[Floats, Floats, Floats], Floats]:
    """The different (x, t_x, T), and how many customers have each."""
    order = np.lexsort((T, t_x, x))
    columns = [column[order] for column in (x, t_x, T)]
    starts = np.flatnonzero(np.any([np.r_[True, np.diff(column) != 0] for column in columns], axis=0))
    counts, last, age = (column[starts] for column in columns)
    return (counts, last, age), np.diff(np.r_[starts, len(x)]).astype(np.float64)


def log_likelihood(
    theta: Floats, x: Floats, t_x: Floats, T: Floats, weights: Floats, chances_before_repeat: int = 0
) -> tuple[float, Floats]:
    """Weighted ln L and its gradient at theta = ln(r, α, a, b)."""
    r, alpha, a, b = np.exp(theta)
    places, counts = np.unique(x, return_inverse=True)
    n = float(weights.sum())
    by_x = np.bincount(counts, weights)
    a1 = by_x @ gammaln(r + places) + n * (r * np.log(alpha) - gammaln(r))
    left = places + chances_before_repeat
    a2 = by_x @ (gammaln(b + left) - gammaln(a + b + left)) + n * (gammaln(a + b) - gammaln(b))
    old, young = np.log(alpha + T), np.log(alpha + t_x)
    # B(a + 1, b + k − 1) / B(a, b + k) = a / (b + k − 1), and nobody is gone before the first chance.
    before = b + np.maximum(x + chances_before_repeat, 1.0) - 1.0
    odds = np.where(x + chances_before_repeat > 0, np.log(a) - np.log(before) + (r + x) * (old - young), -np.inf)
    gone = weights * expit(odds)
    alive = weights - gone
    mixed = np.logaddexp(0.0, odds) - (r + x) * old
    d_r = by_x @ digamma(r + places) + n * (np.log(alpha) - digamma(r)) - alive @ old - gone @ young
    d_alpha = n * r / alpha - alive @ ((r + x) / (alpha + T)) - gone @ ((r + x) / (alpha + t_x))
    shared = n * digamma(a + b) - by_x @ digamma(a + b + left)
    d_a = shared + gone.sum() / a
    d_b = shared + by_x @ digamma(b + left) - n * digamma(b) - gone @ (1.0 / before)
    return float(a1 + a2 + weights @ mixed), np.array([d_r, d_alpha, d_a, d_b]) * np.exp(theta)
