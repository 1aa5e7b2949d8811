"""Baseline: churn rises with silence, and nothing else counts. Isotonic regression on days since the last order."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from models.candidate import Candidate, Labels, Moments

COLUMN = "days_since_last_order"


class RecencyRule(Candidate):
    """Churn rate by bins of silence, made monotone, joined by straight lines in log odds."""

    def __init__(self, bins: int = 40) -> None:
        self.bins = bins

    def fit(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None = None) -> Self:
        """Learn the curve; half an imaginary row of each class per bin keeps the log odds finite."""
        self._begin(X, y, cutoffs)
        silence = X[COLUMN].to_numpy(dtype=np.float64)
        edges = np.unique(np.quantile(silence, np.linspace(0.0, 1.0, self.bins + 1)))
        place = np.clip(np.searchsorted(edges, silence, side="right") - 1, 0, max(len(edges) - 2, 0))
        rows = np.bincount(place)
        filled = rows > 0
        days = np.bincount(place, silence)[filled] / rows[filled]
        rate = (np.bincount(place, y)[filled] + 0.5) / (rows[filled] + 1.0)
        monotone = IsotonicRegression().fit(days, rate, sample_weight=rows[filled]).predict(days)
        self.formula_ = {
            "kind": "recency_rule",
            "columns": [COLUMN],
            "days": days.tolist(),
            "log_odds": np.log(monotone / (1.0 - monotone)).tolist(),
        }
        return self
