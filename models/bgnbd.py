"""BG/NBD by maximum likelihood with analytic gradients in the logs of r, α, a, b.

Fader, Hardie & Lee, "Counting your customers the easy way", Marketing Science 24 (2005), eq. 6, here in logs:
ln L = A1 + A2 + ln(e^A3 + [x > 0] e^A4). Rows of one customer at several cutoffs are one history seen several times,
so only the rows of the latest training cutoff enter the likelihood.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from features.errors import ModelError
from models.btyd import BgNbd, Floats
from models.candidate import Candidate, Labels, Moments

COLUMNS = ("btyd_x", "btyd_t_x", "btyd_T")
STARTS = ((0.0, 0.0, 0.0), (-1.0, -1.0, 1.0))  # log r, log a, log b
LIMIT = 12.0  # of |log parameter|, in units of the mean T for α: beyond it the data does not identify the parameter


class BgNbdChurn(Candidate):
    """P(no order in the horizon) of a customer who buys at her own rate until she silently leaves."""

    def __init__(self, horizon_days: int = 90) -> None:
        self.horizon_days = horizon_days

    def fit(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None = None) -> Self:
        """Maximum likelihood of the purchase histories; the label is not used."""
        self._begin(X, y, cutoffs)
        last = np.ones(len(X), bool) if cutoffs is None else cutoffs == cutoffs.max()
        self.model_ = fitted_bgnbd(*(X.loc[last, name].to_numpy(np.float64) for name in COLUMNS))
        self.formula_ = {
            "kind": "bgnbd",
            "columns": list(COLUMNS),
            "horizon_days": float(self.horizon_days),
            **asdict(self.model_),
        }
        return self


def fitted_bgnbd(x: Floats, t_x: Floats, T: Floats) -> BgNbd:
    """Parameters of maximum likelihood; the best of several starts; raises ModelError when none converges."""
    unit = max(float(T.mean()), 1.0)
    faces, weights = np.unique(np.column_stack([x, t_x / unit, T / unit]), axis=0, return_counts=True)

    def loss(theta: Floats) -> tuple[float, Floats]:
        value, slope = log_likelihood(theta, faces[:, 0], faces[:, 1], faces[:, 2], weights.astype(np.float64))
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
        raise ModelError(f"BG/NBD did not converge on {len(x):,} customers; leave bgnbd out of train.candidates.")
    r, alpha, a, b = np.exp(best.x)
    return BgNbd(float(r), float(alpha * unit), float(a), float(b))


def log_likelihood(theta: Floats, x: Floats, t_x: Floats, T: Floats, weights: Floats) -> tuple[float, Floats]:
    """Weighted ln L and its gradient at theta = ln(r, α, a, b)."""
    r, alpha, a, b = np.exp(theta)
    repeated = x > 0
    places, counts = np.unique(x, return_inverse=True)
    n = float(weights.sum())
    by_x = np.bincount(counts, weights)
    a1 = by_x @ gammaln(r + places) + n * (r * np.log(alpha) - gammaln(r))
    a2 = by_x @ (gammaln(b + places) - gammaln(a + b + places)) + n * (gammaln(a + b) - gammaln(b))
    a3 = -(r + x) * np.log(alpha + T)
    a4 = np.where(repeated, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x), -np.inf)
    mixed = np.logaddexp(a3, a4)
    alive, gone = weights * np.exp(a3 - mixed), weights * np.exp(a4 - mixed)
    d_r = by_x @ digamma(r + places) + n * (np.log(alpha) - digamma(r))
    d_r -= alive @ np.log(alpha + T) + gone @ np.log(alpha + t_x)
    d_alpha = n * r / alpha - alive @ ((r + x) / (alpha + T)) - gone @ ((r + x) / (alpha + t_x))
    shared = n * digamma(a + b) - by_x @ digamma(a + b + places)
    d_a = shared + gone.sum() / a
    d_b = shared + by_x @ digamma(b + places) - n * digamma(b) - gone @ (1.0 / (b + np.maximum(x, 1) - 1))
    return float(a1 + a2 + weights @ mixed), np.array([d_r, d_alpha, d_a, d_b]) * np.exp(theta)
