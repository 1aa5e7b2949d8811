"""The mean of the log odds of three views: BG/NBD (process), logistic (smooth), trees (everything else).

Averaging log odds of models that err differently beats each alone when none is right (forecast combination, Bates &
Granger 1969).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import pandas as pd
from sklearn.base import clone

from features.errors import ModelError
from models.candidate import Candidate, Labels, Moments


class Blend(Candidate):
    """Equal weights: with a handful of cutoffs, learned weights would mostly follow the last season."""

    def __init__(self, members: Sequence[Candidate]) -> None:
        self.members = members

    def fit(self, X: pd.DataFrame, y: Labels, cutoffs: Moments | None = None) -> Self:
        """Fit every member on the same rows."""
        self._begin(X, y, cutoffs)
        return self.join([clone(member).fit(X, y, cutoffs) for member in self.members], cutoffs)

    def join(self, fitted: Sequence[Candidate], cutoffs: Moments | None = None) -> Self:  # noqa: ARG002  # see levelled
        """Take members already fitted on the same rows; raises ModelError when more than one brings trees."""
        boosters = [member.booster_ for member in fitted if member.booster_ is not None]
        if len(boosters) > 1:
            raise ModelError("a blend can hold one set of trees, because an artifact has one trees file.")
        self.fitted_ = list(fitted)
        self.feature_names_in_ = fitted[0].feature_names_in_
        self.formula_ = {"kind": "mean", "members": [member.formula_ for member in fitted]}
        self.booster_ = boosters[0] if boosters else None
        return self

    def refreshed(self, known: pd.DataFrame) -> Self:
        """The mean of the members brought up to date."""
        joined: Self = clone(self).join([member.refreshed(known) for member in self.fitted_])
        return joined
