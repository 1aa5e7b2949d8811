"""What an assignment by lot changed: the difference between two arms, whatever then became of it (intention to treat).

Every row had a known chance of either arm; rows of one person count together. The interval's variance is taken from
the residuals of both arms together: where a few large orders decide, the smaller arm alone shows too few of them, and
Welch's interval then holds the truth in 91 to 93 % instead of 95 % (benchmarks/effect.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ALARM_BELOW = 0.001  # chance of so uneven arms: below it something other than the lot filled them


@dataclass(frozen=True)
class Trial:
    """Rows drawn into one of two arms; `person` are any codes, `chance_*` what the lot gave each row beforehand."""

    outcome: Floats
    treated: Flags
    chance_treated: Floats
    chance_control: Floats
    person: NDArray[np.generic]

    @classmethod
    def even(cls, outcome: Floats, treated: Flags, share_treated: float) -> Trial:
        """One row per person and the same chance for all."""
        size = len(outcome)
        chances = np.full(size, share_treated), np.full(size, 1.0 - share_treated)
        return cls(outcome, treated, *chances, np.arange(size))

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.outcome)

    @property
    def chance_inside(self) -> Floats:
        """Of being in the trial at all: other lots of the same draw lead out of it."""
        return self.chance_treated + self.chance_control

    def where(self, chosen: Flags) -> Trial:
        """Some of the rows."""
        return Trial(*(values[chosen] for values in vars(self).values()))


@dataclass(frozen=True)
class Effect:
    """Mean of the treated minus mean of the controls, with interval, in the outcome's unit; NaN where it is unknown."""

    value: float
    low: float
    high: float
    standard_error: float
    treated: int
    control: int

    @property
    def is_clear(self) -> bool:
        """Does the interval leave out zero?"""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True)
class Ratio:
    """People found in each arm and expected there, and the chance of a split at least as uneven (chi-square)."""

    treated: int
    control: int
    expected_treated: float
    p_value: float

    @property
    def is_alarming(self) -> bool:
        """Were the arms not filled by the lot alone?"""
        return self.p_value < ALARM_BELOW


def effect(trial: Trial, share: float = 0.95) -> Effect:
    """The difference with an interval that holds `share`; means are weighted by 1/chance of the arm (Hájek)."""
    treated, control = (_persons(trial, trial.treated == side) for side in (True, False))
    if min(treated, control) < 2:
        return Effect(np.nan, np.nan, np.nan, np.nan, treated, control)
    means = [_mean(trial, side) for side in (False, True)]
    residual = trial.outcome - np.where(trial.treated, means[1], means[0])
    error = float(
        np.sqrt(
            _variance(trial, residual, trial.chance_treated, treated + control)
            + _variance(trial, residual, trial.chance_control, treated + control)
        )
    )
    reach = float(stats.t.ppf((1.0 + share) / 2.0, treated + control - 2)) * error
    value = means[1] - means[0]
    return Effect(value, value - reach, value + reach, error, treated, control)


def adjusted(trial: Trial, before: Floats) -> Trial:
    """The same trial less what `before`, known ahead of the lot, explains: outcome − θ(before − its mean).

    θ = cov(outcome, before) / var(before) over both arms; the variance falls by the square of their correlation (CUPED;
    Deng, Xu, Kohavi & Walker, WSDM 2013, equations 3 to 5).
    """
    if not len(trial):
        return trial
    weight = 1.0 / trial.chance_inside
    centred = before - np.average(before, weights=weight)
    spread = float(weight @ centred**2)
    theta = float(weight @ (centred * trial.outcome)) / spread if spread > 0.0 else 0.0
    return replace(trial, outcome=trial.outcome - theta * centred)


def sample_ratio(trial: Trial) -> Ratio:
    """Are the arms as large as the lot makes them? After Fabijan et al., "Sample Ratio Mismatch", KDD 2019."""
    _, first = np.unique(trial.person, return_index=True)
    treated = trial.treated[first]
    expected = float((trial.chance_treated / trial.chance_inside)[first].sum())
    found, size = int(treated.sum()), len(first)
    if not 0.0 < expected < size:
        return Ratio(found, size - found, expected, 1.0)
    p_value = float(stats.chisquare([found, size - found], [expected, size - expected]).pvalue)
    return Ratio(found, size - found, expected, p_value)


def _mean(trial: Trial, side: bool) -> float:
    rows = trial.treated == side
    chance = trial.chance_treated if side else trial.chance_control
    return float(np.average(trial.outcome[rows], weights=1.0 / chance[rows]))


def _variance(trial: Trial, residual: Floats, chance: Floats, people: int) -> float:
    """Of the mean of the arm with this chance, as if every residual were as likely to have come up in it."""
    inside = trial.chance_inside
    size = float((1.0 / inside).sum())
    _, person = np.unique(trial.person, return_inverse=True)
    parts = np.bincount(person, residual / np.sqrt(chance * inside))
    return float(parts @ parts) / size**2 * people / (people - 2)


def _persons(trial: Trial, rows: Flags) -> int:
    return len(np.unique(trial.person[rows]))
