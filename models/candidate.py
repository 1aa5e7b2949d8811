"""The contract of all candidates, after scikit-learn: constructor stores, `fit` validates, fitted state ends in `_`.

A fitted candidate is its `formula_` (plain data, models/formulas.py) and, where trees are part of it, a `booster_`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from features.errors import DataError, ModelError
from models.btyd import Floats
from models.formulas import Formula, Rows, log_odds, probability

Labels = NDArray[np.int8]
Moments = NDArray[np.datetime64]


class Candidate(BaseEstimator):  # type: ignore[misc]  # scikit-learn carries no types
    """P(churned) of a customer at a cutoff, from the feature columns of that cutoff."""

    formula_: Formula
    feature_names_in_: NDArray[np.object_]
    booster_: xgb.Booster | None = None

    @abstractmethod
    def fit(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None = None) -> Self:
        """Learn from rows of feature columns and their labels; `cutoffs` says which rows belong together in time."""

    def refreshed(self, known: pd.DataFrame) -> Self:  # noqa: ARG002  # for the candidates that learn without labels
        """The same brought up to date with rows whose label nobody knows yet; itself where labels teach everything."""
        return self

    def churn_log_odds(self, X: pd.DataFrame) -> Floats:
        """Log odds of churn, one per row."""
        names = [str(name) for name in self.feature_names_in_]
        rows = Rows.of(_matrix(X[names]), names, self._run_trees)
        return log_odds(self.formula_, rows)

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """P(stays), P(churns): two columns, as scikit-learn has it."""
        churns = probability(self.churn_log_odds(X))
        return np.column_stack([1.0 - churns, churns])

    def _begin(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None) -> None:
        lengths = {len(X), len(y), len(X if cutoffs is None else cutoffs)}
        if len(lengths) > 1:
            raise ModelError(
                f"features, labels and cutoffs have {sorted(lengths)} rows; they must be of the same table."
            )
        refuse_infinite(X)
        require_both_classes(y, f"{len(y):,} training rows")
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)

    def _run_trees(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return tree_sums(self.booster_, rows)


def tree_sums(booster: xgb.Booster | None, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of the leaves each row falls into; the base margin is not part of it."""
    if booster is None:
        raise ModelError("this candidate has no trees; fit it first.")
    sums: NDArray[np.float32] = booster.inplace_predict(rows, predict_type="margin", validate_features=False)
    return sums


def usable_columns(X: pd.DataFrame) -> list[str]:
    """Columns that say something: at least two different values, an empty one counting as a value."""
    values = _matrix(X)
    empty = np.isnan(values)
    low = np.where(empty, np.inf, values).min(axis=0, initial=np.inf)
    high = np.where(empty, -np.inf, values).max(axis=0, initial=-np.inf)
    useful = (low < high) | ((low == high) & empty.any(axis=0))
    return [str(name) for name in X.columns[useful]]


def refuse_infinite(X: pd.DataFrame) -> None:
    """Raise ModelError naming the first column with infinite values."""
    infinite = np.isinf(_matrix(X)).sum(axis=0)
    if infinite.any():
        first = int(np.argmax(infinite > 0))
        raise ModelError(
            f"feature {X.columns[first]} is infinite in {infinite[first]:,} of {len(X):,} rows "
            f"({int((infinite > 0).sum())} such column(s)); a ratio needs an empty value where its divisor is 0."
        )


def require_both_classes(y: Labels, where: str) -> None:
    """Raise DataError when everybody churned or nobody did."""
    churned = int(np.sum(y))
    if churned in (0, len(y)):
        raise DataError(
            f"only one class: {churned:,} of {where} churned. Change snapshots.horizon_days "
            f"({'longer' if churned else 'shorter'} horizons) or snapshots.active_days, or bring a longer log."
        )


def _matrix(X: pd.DataFrame) -> Floats:
    return X.to_numpy(dtype=np.float64, na_value=np.nan)
