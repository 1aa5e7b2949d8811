"""How far today's features and scores moved from the rows the model learned from.

A feature weighs what it moves in today's scores: the mean absolute share it has in a customer's log odds (models/
reasons.py; the global importance of Lundberg 2020), which needs no label and speaks of the model in force, whichever it
is. The season of the horizon is left out: it moves by design.
"""

from __future__ import annotations

import numpy as np

from models.btyd import Floats
from models.drift import Moved, moved, weighted
from models.formulas import log_odds, parts, probability
from models.reasons import BTYD_KINDS, BTYD_REASON, btyd_facts
from models.scorer import Scorer
from pipeline.watching.today import Today, Training

SEASON = "season"
DIGITS = 6
Tree = dict[str, object]


def features_moved(today: Today, then: Training) -> Tree:
    """The weighted index and every feature's own, the one that matters most first."""
    weights = _weights(today)
    before = _seen(today.scorer, then.values, list(weights))
    now = {name: today.shares.values[:, place] for place, name in enumerate(today.shares.features)}
    found = {name: moved(before[name], now[name], then.customers) for name in weights}
    most = sorted(found, key=lambda name: (-weights[name] * found[name].index, name))
    return {
        **_told(weighted(found, weights)),
        "columns": [{"name": name, "weight": round(weights[name], DIGITS), **_told(found[name])} for name in most],
    }


def scores_moved(today: Today, then: Training) -> Tree:
    """The index of the churn probabilities, and their means."""
    before = today.scorer.churn_probability(then.values)
    return {
        **_told(moved(before, today.probability, then.customers)),
        "mean_then": round(float(before.mean()), DIGITS) if len(before) else None,
        "mean_now": round(float(today.probability.mean()), DIGITS) if len(today.probability) else None,
    }


def _weights(today: Today) -> dict[str, float]:
    each = np.abs(today.shares.shares).mean(axis=0) if len(today.values) else np.zeros(len(today.shares.features))
    found = {
        name: float(weight)
        for name, weight in zip(today.shares.features, each, strict=True)
        if today.families.get(name) != SEASON
    }
    total = sum(found.values())
    return {name: weight / total if total > 0 else 0.0 for name, weight in found.items()}


def _seen(scorer: Scorer, values: Floats, names: list[str]) -> dict[str, Floats]:
    """What the model saw of the features then; BG/NBD's own is its probability of no order, alone its three facts."""
    rows, process = scorer.rows(values), [part for part in parts(scorer.formula) if part["kind"] in BTYD_KINDS]
    own: dict[str, Floats] = {}
    if process:
        own[BTYD_REASON] = probability(log_odds(process[-1], rows))
    if scorer.formula in process and scorer.formula["kind"] != "fading":
        own |= btyd_facts(scorer.formula, rows)
    return {name: own[name] if name in own else rows.column(name) for name in names}


def _told(found: Moved) -> Tree:
    return {"psi": round(found.index, DIGITS), "by_chance": round(found.by_chance, DIGITS)}
