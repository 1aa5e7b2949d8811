"""Learns who answers to an action from decisions drawn by lot: T- and X-learner beside one constant for everybody.

Both learners are ridge regressions (Künzel, Sekhon, Bickel & Yu, PNAS 116, 2019). Everything that judges them is made
out of fold, whole people at a time: the score of each row (augmented inverse propensity, Robins, Rotnitzky & Zhao
1994) is unbiased for its effect, because the chances of the lot are known. A learner is used only when it is clearly
nearer to the scores than the constant, and then only as far as they follow it (Chernozhukov et al., "Generic machine
learning inference", 2018: best linear predictor).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from models.effect import Flags, Floats, Trial
from models.plain import Json
from models.uplift import prepared, standardised

FOLDS = 5
GROUPS = 5
RIDGE = 30.0  # rows' worth of belief that a fact does not matter
CLEARLY = 1.0  # standard errors by which a learner's loss must be the smaller
CONSTANT = "constant"


@dataclass(frozen=True)
class Score:
    """Per row, out of fold: the unbiased score of its effect, its weight, and what each learner says."""

    value: Floats
    weight: Floats
    person: np.ndarray
    said: dict[str, Floats]


@dataclass(frozen=True)
class Group:
    """People of like predicted uplift: their share, the mean predicted and the mean measured with interval."""

    share: float
    predicted: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Learned:
    """Which learner won, its linear form over standardised facts, and how it fared out of fold."""

    learner: str
    intercept: float
    weights: Floats
    mean: Floats
    spread: Floats
    slope: float
    gains: dict[str, tuple[float, float]]
    groups: tuple[Group, ...]

    def described(self, names: Sequence[str]) -> dict[str, Json]:
        """For JSON; models/uplift.py evaluates it."""
        is_constant = self.learner == CONSTANT
        return {
            "learner": self.learner,
            "mean_uplift": self.intercept,
            "facts": [] if is_constant else list(names),
            "intercept": self.intercept,
            "weights": self.weights.tolist(),
            "mean": self.mean.tolist(),
            "spread": self.spread.tolist(),
            "slope": self.slope,
            "gains": {
                name: {"loss_saved": gain, "standard_error": error} for name, (gain, error) in self.gains.items()
            },
            "groups": [dict(vars(group)) for group in self.groups],
        }


def learn_uplift(trial: Trial, facts: Floats, names: Sequence[str], share: float = 0.95) -> Learned:
    """Learn from the rows of one action's lot; facts are (n, names), unknown ones NaN."""
    values = prepared(names, facts)
    mean, spread = np.nan_to_num(np.nanmean(values, axis=0)), np.nan_to_num(np.nanstd(values, axis=0))
    rows = standardised(values, mean, spread)
    score = scored(trial, rows)
    gains = {name: _gain(score, said) for name, said in score.said.items() if name != CONSTANT}
    learner = max(gains, key=lambda name: gains[name][0])
    if gains[learner][0] <= CLEARLY * gains[learner][1]:
        learner = CONSTANT
    slope = _slope(score, score.said[learner]) if learner != CONSTANT else 0.0
    average = float(np.average(score.value, weights=score.weight))
    weights = slope * _form(learner, trial, rows)[1:] if slope > 0.0 else np.zeros(rows.shape[1])
    centre = np.average(rows, axis=0, weights=score.weight)
    return Learned(
        learner=learner if slope > 0.0 else CONSTANT,
        intercept=average - float(weights @ centre),
        weights=weights,
        mean=mean,
        spread=spread,
        slope=slope,
        gains=gains,
        groups=_groups(score, score.said[learner], share),
    )


def scored(trial: Trial, rows: Floats) -> Score:
    """Fit on four fifths of the people, score and predict the fifth; every row once."""
    people, person = np.unique(trial.person, return_inverse=True)
    fold = np.random.default_rng(0).permutation(len(people))[person] % FOLDS
    weight = 1.0 / trial.chance_inside
    value = np.empty(len(trial))
    said = {name: np.empty(len(trial)) for name in (CONSTANT, *LEARNERS)}
    for number in range(FOLDS):
        out = fold == number
        seen, design = trial.where(~out), rows[~out]
        lines = _arm_lines(seen, design)
        value[out] = _score(trial.where(out), *(_line(line, rows[out]) for line in lines))
        own = _score(seen, *(_line(line, design) for line in lines))
        said[CONSTANT][out] = np.average(own, weights=weight[~out])
        for name, form in LEARNERS.items():
            said[name][out] = _line(form(seen, design, lines), rows[out])
    return Score(value, weight, person, said)


def fifths(said: Floats) -> np.ndarray:
    """The group of each row by what was said of it, 0 the lowest; ties in order of the rows."""
    order = np.argsort(np.argsort(said, kind="stable"), kind="stable")
    place: np.ndarray = order * GROUPS // len(said)
    return place


def _form(learner: str, trial: Trial, rows: Floats) -> Floats:
    return LEARNERS[learner](trial, rows, _arm_lines(trial, rows))


def _arm_lines(trial: Trial, rows: Floats) -> tuple[Floats, Floats]:
    """Ridge lines of the outcome among the treated and among the controls."""
    treated = trial.treated
    weight = 1.0 / np.where(treated, trial.chance_treated, trial.chance_control)
    return (
        _ridge(rows[treated], trial.outcome[treated], weight[treated]),
        _ridge(rows[~treated], trial.outcome[~treated], weight[~treated]),
    )


def _t_learner(_trial: Trial, _rows: Floats, lines: tuple[Floats, Floats]) -> Floats:
    """The difference of two lines (Künzel et al. 2019, equation 2)."""
    return lines[0] - lines[1]


def _x_learner(trial: Trial, rows: Floats, lines: tuple[Floats, Floats]) -> Floats:
    """Effects imputed from the other arm's line, one line through each, mixed by the chance of treatment."""
    treated = trial.treated
    over, under = trial.outcome - _line(lines[1], rows), _line(lines[0], rows) - trial.outcome
    weight = 1.0 / np.where(treated, trial.chance_treated, trial.chance_control)
    of_treated = _ridge(rows[treated], over[treated], weight[treated])
    of_control = _ridge(rows[~treated], under[~treated], weight[~treated])
    chance = float(np.mean(trial.chance_treated / trial.chance_inside))
    return chance * of_control + (1.0 - chance) * of_treated


LEARNERS = {"t": _t_learner, "x": _x_learner}


def _ridge(rows: Floats, outcome: Floats, weight: Floats) -> Floats:
    """Intercept and slopes; the intercept is free, weights count relative to their mean."""
    design = np.column_stack([np.ones(len(rows)), rows])
    even = weight / weight.mean()
    penalty = np.diag([0.0, *[RIDGE] * rows.shape[1]])
    found: Floats = np.linalg.solve((design * even[:, None]).T @ design + penalty, (design * even[:, None]).T @ outcome)
    return found


def _line(line: Floats, rows: Floats) -> Floats:
    found: Floats = line[0] + rows @ line[1:]
    return found


def _score(trial: Trial, if_treated: Floats, if_not: Floats) -> Floats:
    chance = trial.chance_treated / trial.chance_inside
    missed = trial.outcome - np.where(trial.treated, if_treated, if_not)
    return if_treated - if_not + np.where(trial.treated, missed / chance, -missed / (1.0 - chance))


def _gain(score: Score, said: Floats) -> tuple[float, float]:
    """How much smaller the mean squared distance to the scores is than the constant's, and its standard error."""
    saved = (score.value - score.said[CONSTANT]) ** 2 - (score.value - said) ** 2
    return _mean_by_person(saved, score.weight, score.person)


def _slope(score: Score, said: Floats) -> float:
    """How far the scores follow what was said: 0 not at all, 1 fully."""
    spread = said - np.average(said, weights=score.weight)
    total = float(score.weight @ spread**2)
    return float(np.clip(score.weight @ (spread * score.value) / total, 0.0, 1.0)) if total > 0.0 else 0.0


def _groups(score: Score, said: Floats, share: float) -> tuple[Group, ...]:
    """Fifths by prediction. Made out of fold, so a group's interval is about people the prediction had not seen."""
    place = fifths(said)
    return tuple(_group(score, said, place == number, share) for number in range(GROUPS) if (place == number).any())


def _group(score: Score, said: Floats, inside: Flags, share: float) -> Group:
    weight = score.weight[inside]
    value, error = _mean_by_person(score.value[inside], weight, score.person[inside])
    reach = float(stats.norm.ppf((1.0 + share) / 2.0)) * error
    part = float(weight.sum() / score.weight.sum())
    return Group(part, float(np.average(said[inside], weights=weight)), value, value - reach, value + reach)


def _mean_by_person(values: Floats, weight: Floats, person: np.ndarray) -> tuple[float, float]:
    mean = float(np.average(values, weights=weight))
    parts = np.bincount(person, weight * (values - mean))
    people = len(np.unique(person))
    return mean, float(np.sqrt(parts @ parts * people / max(people - 1, 1)) / weight.sum())
