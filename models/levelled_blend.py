"""The blend at the level of its process model, for a shop whose labels are younger than a year.

Before a whole year of labels is closed nobody can tell a season from a trend: Online Retail II, 182 days: nine
cutoffs of the young log taught a churn rate of 0.32, today's is 0.48, and BG/NBD, which learns from today's orders
instead of old labels, says 0.48. The labels still know better who leaves first. So the order is the blend's, the level
the process model's: one number is added to everybody's log odds, so that both expect the same number of churners.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import pandas as pd
from scipy.optimize import brentq

from models.blend import Blend
from models.btyd import Floats
from models.candidate import Candidate, Moments
from models.formulas import Formula, probability
from models.history import is_young
from models.plain import number

FURTHEST = 20.0  # of a shift in log odds: beyond it everybody or nobody churns


class LevelledBlend(Blend):
    """As Blend once the labels span a year; the first member must learn without labels, another be a logistic."""

    def join(self, fitted: Sequence[Candidate], cutoffs: Moments | None = None) -> Self:
        """Take fitted members, and remember how much of a year their labels have seen."""
        self.young_ = cutoffs is not None and is_young(cutoffs)
        return super().join(fitted, cutoffs)

    def refreshed(self, known: pd.DataFrame) -> Self:
        """The blend brought up to date, and moved to the level of its process model on the same rows."""
        again = super().refreshed(known)
        again.young_ = self.young_
        if self.young_ and len(known):
            again._move(shift_to(again.churn_log_odds(known), again.fitted_[0].churn_log_odds(known)))
        return again

    def _move(self, shift: float) -> None:
        # The mean has no place for a number of its own; the intercept of one of its n members moves it by 1/n.
        members = [member.formula_ for member in self.fitted_]
        self.formula_ = {"kind": "mean", "members": [_moved(one, shift * len(members)) for one in members]}


def shift_to(scores: Floats, level: Floats) -> float:
    """What to add to log odds so that their mean probability is that of others, FURTHEST at most."""

    def mean(shift: float) -> float:
        return float(probability(scores + shift).mean())

    wanted = min(max(float(probability(level).mean()), mean(-FURTHEST)), mean(FURTHEST))
    return float(brentq(lambda shift: mean(shift) - wanted, -FURTHEST, FURTHEST))


def _moved(formula: Formula, by: float) -> Formula:
    if formula["kind"] != "logistic":
        return formula
    return formula | {"intercept": number(formula["intercept"]) + by}
