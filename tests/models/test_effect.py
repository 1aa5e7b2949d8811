"""Differences of arms against published numbers and simulation laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from models.effect import Trial, adjusted, effect, sample_ratio


def _trial(outcome: list[float], treated: list[int]) -> Trial:
    return Trial.even(np.array(outcome), np.array(treated, dtype=bool), 0.5)


def test_equal_chances_give_students_t_interval() -> None:
    # Student's sleep data (Biometrika 6, 1908), two independent groups: t = -1.8608, 95 % interval -3.3639 to 0.2039.
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = effect(_trial(first + second, [1] * 10 + [0] * 10))
    assert found.value == pytest.approx(-1.58)
    assert found.value / found.standard_error == pytest.approx(-1.8608, abs=1e-4)
    assert (found.low, found.high) == (pytest.approx(-3.3639, abs=1e-4), pytest.approx(0.2039, abs=1e-4))
    assert not found.is_clear


def test_a_row_that_was_half_as_likely_counts_twice() -> None:
    trial = Trial(
        outcome=np.array([10.0, 4.0, 1.0, 1.0]),
        treated=np.array([True, True, False, False]),
        chance_treated=np.array([0.25, 0.5, 0.25, 0.5]),
        chance_control=np.full(4, 0.1),
        person=np.arange(4),
    )
    assert effect(trial).value == pytest.approx((4 * 10 + 2 * 4) / 6 - 1)


def test_the_same_rows_twice_are_no_news_when_they_are_the_same_people() -> None:
    draws = np.random.default_rng(5)
    once = Trial.even(draws.exponential(10.0, 400), draws.random(400) < 0.7, 0.7)
    twice = Trial(*(np.tile(values, 2) for values in vars(once).values()))
    assert effect(twice).high == pytest.approx(effect(once).high)
    strangers = replace(twice, person=np.arange(800))
    assert effect(strangers).standard_error < 0.75 * effect(once).standard_error


def test_cuped_lowers_the_variance_by_the_square_of_the_correlation() -> None:
    # Deng et al. 2013, equation 5: var(adjusted) = var(outcome) · (1 − ρ²).
    draws = np.random.default_rng(6)
    before = draws.gamma(0.5, 20.0, 5_000)
    trial = Trial.even(0.8 * before + draws.gamma(0.5, 20.0, 5_000), draws.random(5_000) < 0.5, 0.5)
    less = adjusted(trial, before)
    correlation = np.corrcoef(trial.outcome, before)[0, 1]
    assert less.outcome.var() == pytest.approx(trial.outcome.var() * (1 - correlation**2))
    assert less.outcome.mean() == pytest.approx(trial.outcome.mean())
    assert effect(less).standard_error < 0.8 * effect(trial).standard_error


def test_a_constant_past_changes_nothing() -> None:
    trial = _trial([1.0, 2.0, 3.0, 5.0], [1, 0, 1, 0])
    assert np.array_equal(adjusted(trial, np.ones(4)).outcome, trial.outcome)


def test_the_sample_ratio_is_mendels_chi_square() -> None:
    # Mendel 1866, seeds 5474 round, 1850 wrinkled, expected 3 to 1: chi-square 0.2629 on 1 degree of freedom.
    treated = np.repeat([True, False], [5474, 1850])
    ratio = sample_ratio(Trial.even(np.zeros(7324), treated, 0.75))
    assert ratio.p_value == pytest.approx(float(stats.chi2.sf(0.2629, 1)), abs=1e-4)
    assert not ratio.is_alarming


def test_arms_that_the_lot_did_not_fill_raise_an_alarm() -> None:
    treated = np.repeat([True, False], [4_700, 5_300])
    assert sample_ratio(Trial.even(np.zeros(10_000), treated, 0.5)).is_alarming


def test_weighted_rows_expect_what_their_chances_say() -> None:
    chance = np.tile([0.2, 0.6], 500)
    treated = np.random.default_rng(8).random(1_000) < chance / (chance + 0.2)
    ratio = sample_ratio(Trial(np.zeros(1_000), treated, chance, np.full(1_000, 0.2), np.arange(1_000)))
    assert ratio.expected_treated == pytest.approx(500 * 0.5 + 500 * 0.75)
    assert not ratio.is_alarming


def test_an_empty_arm_has_no_effect_and_no_error() -> None:
    found = effect(_trial([1.0, 2.0, 3.0], [1, 1, 1]))
    assert np.isnan(found.value)
    assert not found.is_clear
    assert (found.treated, found.control) == (3, 0)


@pytest.mark.parametrize("lift", [0.0, 3.0])
def test_the_interval_holds_the_truth_as_often_as_it_says(lift: float) -> None:
    draws, hits, runs = np.random.default_rng(11), 0, 400
    for _ in range(runs):
        treated = draws.random(600) < 0.8
        spent = np.where(draws.random(600) < 0.2, draws.lognormal(3.0, 0.8, 600), 0.0)
        found = effect(Trial.even(spent + lift * treated, treated, 0.8))
        hits += found.low <= lift <= found.high
    assert hits / runs == pytest.approx(0.95, abs=0.025)


def test_unequal_chances_that_follow_the_outcome_do_not_bias() -> None:
    draws = np.random.default_rng(12)
    rich = draws.random(20_000) < 0.3
    chance = np.where(rich, 0.8, 0.2)
    treated = draws.random(20_000) < chance
    outcome = np.where(rich, 20.0, 2.0) + 1.0 * treated + draws.normal(0, 1, 20_000)
    found = effect(Trial(outcome, treated, chance, 1.0 - chance, np.arange(20_000)))
    assert found.low < 1.0 < found.high
