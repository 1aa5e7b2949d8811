"""Trials as the numbers of `reports/effect.json`, and the rule that says whether enough is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.decided import FACTS
from models.effect import Effect, Ratio, Trial, adjusted, effect, sample_ratio
from models.plain import Json
from models.power import smallest_from_error
from models.uplift_learning import learn_uplift
from pipeline.params import Paying
from pipeline.paying.trials import Told

DIGITS = 6
MEASURED, LEARNING = "measured", "learning"
Tree = dict[str, Json]


def measured(told: Told, how: Paying) -> Tree:
    """The effect on net margin per person: plain, with CUPED, with the check of the arms' sizes."""
    plain, less = (
        effect(told.margin, how.interval_share),
        effect(adjusted(told.margin, told.before), how.interval_share),
    )
    ratio = sample_ratio(told.margin)
    smallest = smallest_from_error(less.standard_error, less.treated + less.control)
    return {
        "state": _state(less, ratio, smallest <= how.matters_money, how),
        "treated": less.treated,
        "control": less.control,
        "effect_money": interval(plain),
        "effect_with_cuped_money": interval(less),
        "smallest_effect_money": rounded(smallest),
        "sample_ratio": {
            "expected_treated": rounded(ratio.expected_treated),
            "p_value": rounded(ratio.p_value),
            "alarm": ratio.is_alarming,
        },
    }


def total(told: Told, how: Paying) -> Tree:
    """What all the treated together brought more, in money."""
    found = effect(adjusted(told.margin, told.before), how.interval_share)
    return {name: rounded(value * found.treated) for name, value in _bounds(found).items()}


def learned(told: Told, how: Paying) -> Tree:
    """The uplift model of one action, or how far it is from one."""
    trial = ordered_trial(told)
    plain, ratio = effect(trial, how.interval_share), sample_ratio(trial)
    smallest = smallest_from_error(plain.standard_error, plain.treated + plain.control)
    state = _state(plain, ratio, smallest <= how.matters_share, how)
    found: Tree = {
        "state": state,
        "ordered_more": interval(plain),
        "smallest_uplift": rounded(smallest),
        "treated": plain.treated,
        "control": plain.control,
    }
    return found | (
        learn_uplift(trial, told.facts, FACTS, how.interval_share).described(FACTS) if state == MEASURED else {}
    )


def ordered_trial(told: Told) -> Trial:
    """The same lot on whether an order came."""
    return replace(told.margin, outcome=told.ordered)


def interval(found: Effect) -> Tree:
    """For JSON; null where it is unknown."""
    return {name: rounded(value) for name, value in _bounds(found).items()}


def rounded(value: float) -> float | None:
    """For JSON; null for what is no number."""
    return round(float(value), DIGITS) if np.isfinite(value) else None


def _bounds(found: Effect) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _state(found: Effect, ratio: Ratio, sees_what_matters: bool, how: Paying) -> str:
    """Measured: enough people in both arms, effects that matter would show, and the arms were filled by the lot."""
    enough = min(found.treated, found.control) >= how.min_people_per_arm
    return MEASURED if enough and sees_what_matters and not ratio.is_alarming else LEARNING
