"""What an action adds to the chance of an order, person by person: a stored model, plain numbers, evaluated here.

One linear form per action over standardised facts, learned in models/uplift_learning.py. Amounts and counts enter as
log(1 + x); an unknown fact counts as the mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.decided import FACTS as FACTS
from models.plain import Json, described, number, numbers, texts

Floats = NDArray[np.float64]
AS_THEY_ARE = ("churn_probability",)
FURTHEST = 3.0  # standard deviations; beyond, a line would only be guessing


def prepared(names: Sequence[str], facts: Floats) -> Floats:
    """Facts (n, names) as the linear forms take them, before standardising."""
    as_log = np.array([name not in AS_THEY_ARE for name in names])
    return np.where(as_log, np.log1p(np.maximum(facts, 0.0)), facts)


def standardised(values: Floats, mean: Floats, spread: Floats) -> Floats:
    """(value − mean) / spread, kept within FURTHEST; unknown is 0."""
    scaled = np.divide(values - mean, spread, out=np.zeros_like(values), where=spread > 0)
    kept: Floats = np.nan_to_num(np.clip(scaled, -FURTHEST, FURTHEST))
    return kept


def uplift_of(model: Mapping[str, Json], actions: Sequence[str], facts: Mapping[str, Floats]) -> Floats:
    """Change of P(order in the window), (n, actions), in [-1, 1]; NaN for an action that is still being learned."""
    known = described(model["actions"])
    size = len(next(iter(facts.values())))
    columns = [
        _uplift(described(known[name]), facts) if _is_measured(known, name) else np.full(size, np.nan)
        for name in actions
    ]
    return np.column_stack(columns) if columns else np.empty((size, 0))


def is_known(model: Mapping[str, Json] | None) -> bool:
    """Has any action been measured?"""
    return model is not None and any(_is_measured(described(model["actions"]), n) for n in described(model["actions"]))


def _is_measured(actions: Mapping[str, Json], name: str) -> bool:
    return name in actions and described(actions[name])["state"] == "measured"


def _uplift(form: Mapping[str, Json], facts: Mapping[str, Floats]) -> Floats:
    names = texts(form["facts"])
    size = len(next(iter(facts.values())))
    if not names:
        return np.full(size, number(form["mean_uplift"]))
    values = prepared(names, np.column_stack([np.asarray(facts[name], dtype=np.float64) for name in names]))
    rows = standardised(values, numbers(form["mean"]), numbers(form["spread"]))
    return np.clip(number(form["intercept"]) + rows @ numbers(form["weights"]), -1.0, 1.0)
