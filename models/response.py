"""How strongly people answer, as one number: uplift = response × the chance that they order anyway.

Who has gone for good answers nothing, so an uplift that is the same for everybody wastes most messages; and a shop's
own lots are too small to learn a form with many facts. One number can be learned from little: the R-learner (Nie &
Wager, "Quasi-oracle estimation of heterogeneous treatment effects", Biometrika 108, 2021, equation 4) with this one
basis function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.effect import Floats, Trial


@dataclass(frozen=True)
class Response:
    """The number and its standard error, persons counted once."""

    value: float
    standard_error: float

    def uplift(self, buys_anyway: Floats) -> Floats:
        """Change of P(order in the window) for people with these chances; a number below zero is none."""
        return np.minimum(max(self.value, 0.0) * buys_anyway, 1.0 - buys_anyway)


def response(trial: Trial, buys_anyway: Floats) -> Response:
    """Learn it from rows drawn by lot; `buys_anyway` was known ahead of the lot. NaN where nobody had a chance."""
    chance = trial.chance_treated / trial.chance_inside
    weight = 1.0 / trial.chance_inside
    usual = _usual(trial.outcome, buys_anyway, weight)
    base = (trial.treated - chance) * buys_anyway
    total = float(weight @ base**2)
    if total <= 0.0:
        return Response(np.nan, np.nan)
    value = float(weight @ (base * (trial.outcome - usual))) / total
    rest = weight * base * (trial.outcome - usual - value * base)
    people, person = np.unique(trial.person, return_inverse=True)
    by_person = np.bincount(person, rest, len(people))
    return Response(value, float(np.sqrt(by_person @ by_person)) / total)


def _usual(outcome: Floats, buys_anyway: Floats, weight: Floats) -> Floats:
    """The expected outcome whatever the lot said, as a parabola of the chance."""
    design = np.column_stack([np.ones(len(outcome)), buys_anyway, buys_anyway**2])
    root = np.sqrt(weight)
    fit, *_ = np.linalg.lstsq(design * root[:, None], outcome * root, rcond=None)
    found: Floats = design @ fit
    return found
