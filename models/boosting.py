"""Gradient-boosted trees (Chen & Guestrin 2016) on the feature columns; empty values go their own way at each split.

XGBoost sees the base log odds as a base margin and learns only the rest; the base is added back in float64, outside
the trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import pandas as pd
import xgboost as xgb

from models.bgnbd import BgNbdChurn
from models.candidate import Candidate, Labels, Moments, usable_columns
from models.formulas import Formula

THREADS = 2
FIXED = {"objective": "binary:logistic", "tree_method": "hist", "nthread": THREADS, "base_score": 0.5, "verbosity": 0}


class Boosting(Candidate):
    """Trees on top of the training churn rate."""

    def __init__(self, settings: Mapping[str, float], seed: int = 7) -> None:
        self.settings = settings
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None = None) -> Self:
        """Fit the base, then the trees on what the base leaves open."""
        self._begin(X, y, cutoffs)
        base = self._base(X, y, cutoffs)
        columns = usable_columns(X)
        margin = base.churn_log_odds(X)
        values = X[columns].to_numpy(np.float32)
        data = xgb.QuantileDMatrix(values, y, base_margin=margin.astype(np.float32), nthread=THREADS)
        self.booster_ = booster_of(data, self.settings, self.seed)
        self.formula_ = {"kind": "trees", "columns": list(columns), "base": base.formula_}
        return self

    def _base(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None) -> Candidate:
        return ChurnRate().fit(X, y, cutoffs)


class BoostingOnBtyd(Boosting):
    """Trees on top of the BG/NBD log odds of no order in the horizon."""

    def __init__(self, settings: Mapping[str, float], seed: int = 7, horizon_days: int = 90) -> None:
        super().__init__(settings, seed)
        self.horizon_days = horizon_days

    def _base(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None) -> Candidate:
        return BgNbdChurn(self.horizon_days).fit(X, y, cutoffs)


class ChurnRate(Candidate):
    """The same log odds for everyone: the training churn rate."""

    def fit(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None = None) -> Self:
        """Learn the rate."""
        self._begin(X, y, cutoffs)
        rate = float(np.mean(y))
        self.formula_ = constant(float(np.log(rate / (1.0 - rate))))
        return self


def booster_of(data: xgb.DMatrix, settings: Mapping[str, float], seed: int) -> xgb.Booster:
    """Trees on binned rows with labels and base margin; `settings` as train.xgboost."""
    named = {**FIXED, **_xgboost_names(settings), "seed": seed}
    return xgb.train(named, data, num_boost_round=int(settings["rounds"]))


def constant(value: float) -> Formula:
    """The same log odds for everyone."""
    return {"kind": "constant", "log_odds": value}


def _xgboost_names(settings: Mapping[str, float]) -> dict[str, float]:
    renamed = {"l2": "lambda"}
    return {renamed.get(name, name): value for name, value in settings.items() if name != "rounds"}
