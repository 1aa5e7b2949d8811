"""The smallest effect that two groups can show: below it, silence is no proof that nothing happened."""

from __future__ import annotations

import numpy as np
from scipy import stats

POWER = 0.8


def smallest_effect(spread: float, treated: float, control: float, power: float = POWER, alarm: float = 0.05) -> float:
    """In the outcome's unit: what a two-sided test at level `alarm` finds with chance `power`; NaN for empty groups.

    (t(1 − alarm/2) + t(power)) · spread · sqrt(1/treated + 1/control), with `spread` the standard deviation within the
    groups and t of treated + control − 2 degrees of freedom (Bloom, Evaluation Review 19, 1995).
    """
    if min(treated, control) < 2:
        return float("nan")
    return smallest_from_error(spread * float(np.sqrt(1.0 / treated + 1.0 / control)), treated + control, power, alarm)


def smallest_from_error(error: float, people: float, power: float = POWER, alarm: float = 0.05) -> float:
    """The same from the standard error of a difference that was measured."""
    freedom = max(people - 2.0, 1.0)
    return float(stats.t.ppf(1.0 - alarm / 2.0, freedom) + stats.t.ppf(power, freedom)) * error


def people_needed(spread: float, wanted: float, share_treated: float, power: float = POWER, alarm: float = 0.05) -> int:
    """People in both groups together, so that an effect of `wanted` is found with chance `power`."""
    reach = float(stats.norm.ppf(1.0 - alarm / 2.0) + stats.norm.ppf(power)) * spread / wanted
    return int(np.ceil(reach**2 / (share_treated * (1.0 - share_treated))))
