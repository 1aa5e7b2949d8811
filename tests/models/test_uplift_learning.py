"""Learners of uplift on simulated lots whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.effect import Floats, Trial
from models.uplift import uplift_of
from models.uplift_learning import CONSTANT, LEARNERS, _arm_lines, fifths, learn_uplift, scored

NAMES = ("churn_probability", "orders")


def _drawn(size: int, seed: int, slope: float, share: float = 0.5) -> tuple[Trial, Floats, Floats]:
    """Ordered or not; the treatment adds 0.1 + slope · (churn probability − 0.5)."""
    draws = np.random.default_rng(seed)
    facts = np.column_stack([draws.random(size), draws.integers(1, 9, size).astype(np.float64)])
    uplift = 0.1 + slope * (facts[:, 0] - 0.5)
    treated = draws.random(size) < share
    chance = 0.5 - 0.3 * facts[:, 0] + np.where(treated, uplift, 0.0)
    return Trial.even((draws.random(size) < chance).astype(np.float64), treated, share), facts, uplift


def test_who_answers_is_learned_where_people_differ() -> None:
    trial, facts, uplift = _drawn(8_000, 1, 0.4)
    learned = learn_uplift(trial, facts, NAMES)
    model = {"actions": {"a": {"state": "measured"} | learned.described(NAMES)}}
    told = uplift_of(model, ["a"], dict(zip(NAMES, facts.T, strict=True)))[:, 0]
    assert learned.learner != CONSTANT
    assert np.corrcoef(told, uplift)[0, 1] > 0.95
    assert told.mean() == pytest.approx(0.1, abs=0.03)


def test_the_constant_stays_where_people_do_not_differ() -> None:
    chosen = [learn_uplift(*_drawn(2_000, seed, 0.0)[:2], NAMES) for seed in range(12)]
    assert sum(learned.learner == CONSTANT for learned in chosen) >= 10
    constant = next(learned for learned in chosen if learned.learner == CONSTANT)
    assert not constant.weights.any()
    assert constant.described(NAMES)["facts"] == []


def test_the_x_learner_is_nearer_than_the_t_learner_with_few_treated() -> None:
    # Künzel et al. 2019, simulation 1 (one in a hundred treated; effect 8 where x2 > 0.1), with lines for forests.
    draws = np.random.default_rng(4)
    rows, size = draws.random((20_000, 20)), 20_000
    treated = draws.random(size) < 0.01
    base = rows @ draws.uniform(-5, 5, 20) + 5.0 * (rows[:, 0] > 0.5)
    truth = 8.0 * (rows[:, 1] > 0.1)
    trial = Trial.even(base + truth * treated + draws.standard_normal(size), treated, 0.01)
    lines = _arm_lines(trial, rows)
    off = {
        name: float(np.mean((np.column_stack([np.ones(size), rows]) @ form(trial, rows, lines) - truth) ** 2))
        for name, form in LEARNERS.items()
    }
    assert off["x"] < 0.5 * off["t"]


def test_the_scores_are_unbiased_when_chances_follow_the_facts() -> None:
    draws = np.random.default_rng(5)
    facts = draws.random((20_000, 2))
    chance = 0.2 + 0.6 * facts[:, 0]
    treated = draws.random(20_000) < chance
    outcome = 3.0 * facts[:, 0] + 1.0 * treated + draws.standard_normal(20_000)
    trial = Trial(outcome, treated, chance, 1.0 - chance, np.arange(20_000))
    assert scored(trial, facts).value.mean() == pytest.approx(1.0, abs=0.05)


def test_nobody_is_scored_by_a_fit_that_saw_them() -> None:
    trial, facts, _ = _drawn(1_000, 6, 0.2)
    person = np.arange(1_000) // 2
    before = scored(replace(trial, person=person), facts)
    changed = trial.outcome.copy()
    changed[:2] = 1.0 - changed[:2]
    after = scored(replace(trial, outcome=changed, person=person), facts)
    assert np.array_equal(before.said["t"][:2], after.said["t"][:2])
    sign = np.where(trial.treated[:2], 2.0, -2.0)  # 1/chance of either arm
    assert after.value[:2] - before.value[:2] == pytest.approx(sign * (changed - trial.outcome)[:2])
    assert not np.array_equal(before.said["t"], after.said["t"])


def test_the_intervals_of_groups_hold_the_truth_as_often_as_they_say() -> None:
    hits = []
    for seed in range(60):
        trial, facts, uplift = _drawn(1_500, seed, 0.3, 0.8)
        learned = learn_uplift(trial, facts, ("churn_probability", "orders"))
        rows = np.column_stack([facts[:, 0], np.log1p(facts[:, 1])])
        said = scored(trial, np.clip((rows - rows.mean(axis=0)) / rows.std(axis=0), -3, 3)).said[learned.learner]
        place = fifths(said)
        hits += [group.low <= uplift[place == at].mean() <= group.high for at, group in enumerate(learned.groups)]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.03)


def test_the_same_rows_give_the_same_model() -> None:
    trial, facts, _ = _drawn(1_000, 7, 0.4)
    assert learn_uplift(trial, facts, NAMES).described(NAMES) == learn_uplift(trial, facts, NAMES).described(NAMES)


def test_an_unknown_fact_counts_as_the_mean() -> None:
    trial, facts, _ = _drawn(4_000, 8, 0.4)
    facts[::10, 0] = np.nan
    learned = learn_uplift(trial, facts, NAMES)
    assert np.isfinite(learned.weights).all()
    assert np.isfinite(learned.intercept)
