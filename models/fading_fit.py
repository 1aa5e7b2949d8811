"""Fading interest by maximum likelihood, and trees on top of it.

Only what was seen enters the likelihood, no label; as for BG/NBD only the rows of the latest training cutoff do, and of
many customers an even choice of CUSTOMERS: eleven numbers learn little from more. A shop without visits or e-mails
leaves out those signs; without both the model is Pareto/NBD, which looks at orders alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, gammaln

from features.errors import ModelError
from models.boosting import Boosting
from models.btyd import Floats
from models.candidate import Candidate, Labels, Moments
from models.fading import Fading, Lives, Seen, Sign, ends_of
from models.fading_rows import lives_of, looked_at, signs_in

CUSTOMERS = 2000
FIRST = np.log([0.8, 0.1, 30.0, 2.0, 2.0])  # stay, scale / mean T, fade, r, α / mean days per repeat
FIRST_SIGN = np.array([np.log(1.5), np.log(1.5), -2.0])  # r, α / mean chances per sign, log odds of left
SPAN = (-6.0, 9.0)  # of every log parameter: beyond it the data does not identify it
Theta = NDArray[np.float64]


class FadingChurn(Candidate):
    """P(no order in the horizon) of a customer who silently loses interest and leaves."""

    def __init__(self, horizon_days: int = 90) -> None:
        self.horizon_days = horizon_days

    def fit(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None = None) -> Self:
        """Maximum likelihood of what was seen; the label is not used."""
        self._begin(X, y, cutoffs)
        latest = X if cutoffs is None else X.loc[cutoffs == cutoffs.max()]
        some = latest.iloc[np.unique(np.linspace(0, len(latest) - 1, CUSTOMERS).astype(int))]
        columns = looked_at(str(name) for name in X.columns)
        values = {name: some[name].to_numpy(np.float64) for name in columns}
        self.model_ = fitted_fading(lives_of(columns, values.__getitem__), float(self.horizon_days))
        self.formula_ = {
            "kind": "fading",
            "columns": list(columns),
            "horizon_days": float(self.horizon_days),
            **{name: value for name, value in asdict(self.model_).items() if name != "signs"},
            **{
                name: [sign.r, sign.alpha, sign.left]
                for name, sign in zip(signs_in(columns), self.model_.signs, strict=True)
            },
        }
        return self


class BoostingOnFading(Boosting):
    """Trees on top of the log odds of no order in the horizon, as fading interest has it."""

    def __init__(self, settings: Mapping[str, float], seed: int = 7, horizon_days: int = 90) -> None:
        super().__init__(settings, seed)
        self.horizon_days = horizon_days

    def _base(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None) -> Candidate:
        return FadingChurn(self.horizon_days).fit(X, y, cutoffs)


def fitted_fading(lives: Lives, horizon: float) -> Fading:
    """Parameters of maximum likelihood; raises ModelError when there are none."""
    start = _start(lives)

    def loss(theta: Theta) -> float:
        return -log_likelihood(_model(theta), lives, horizon)

    found = minimize(loss, start, method="L-BFGS-B", bounds=[SPAN] * len(start), options={"maxiter": 80, "ftol": 1e-7})
    if not np.isfinite(found.fun):
        raise ModelError(
            f"fading interest did not converge on {len(lives.T):,} customers; "
            "leave xgboost_fading out of train.candidates."
        )
    return _model(found.x)


def log_likelihood(model: Fading, lives: Lives, horizon: float) -> float:
    """Mean log likelihood of a customer's orders and signs, but for what no parameter touches."""
    return float(np.concatenate([_log_likelihoods(model, some, horizon) for some in lives.blocks()]).mean())


def _log_likelihoods(model: Fading, lives: Lives, horizon: float) -> Floats:
    ends = ends_of(model, lives, horizon)
    weight = np.column_stack([ends.weight, ends.beyond])
    most = weight.max(axis=1)
    mixed = most + np.log(np.exp(weight - most[:, None]).sum(axis=1))
    mixed += _rate(model.r, model.alpha, lives.x)
    for sign, seen in zip(model.signs, lives.signs, strict=True):
        mixed += _rate(sign.r, sign.alpha, seen.counts.sum(axis=1))
    return np.asarray(mixed)


def _rate(r: float, alpha: float, count: Floats) -> Floats:
    return np.asarray(gammaln(r + count) - gammaln(r) + r * np.log(alpha))


def _start(lives: Lives) -> Theta:
    age, repeats = float(lives.T.mean()), float(lives.x.sum()) + 1.0
    first = FIRST + np.log([1.0, max(age, 1.0), 1.0, 1.0, max(float(lives.T.sum()), 1.0) / repeats])
    signs = [FIRST_SIGN + np.array([0.0, np.log(_chances_per_sign(seen)), 0.0]) for seen in lives.signs]
    return np.asarray(np.clip(np.concatenate([first, *signs]), *SPAN), dtype=np.float64)


def _chances_per_sign(seen: Seen) -> float:
    return float((seen.chances.sum() + 1.0) / (seen.counts.sum() + 1.0))


def _model(theta: Theta) -> Fading:
    stay, scale, fade, r, alpha = (float(value) for value in np.exp(theta[:5]))
    signs = tuple(
        Sign(float(np.exp(one[0])), float(np.exp(one[1])), float(expit(one[2]))) for one in theta[5:].reshape(-1, 3)
    )
    return Fading(stay, scale, fade, r, alpha, signs)
