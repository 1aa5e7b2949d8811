"""The stability index: zero for the same rows, by hand for a moved share, large for a moved feature."""

from __future__ import annotations

import numpy as np
import pytest

from models.drift import Moved, moved, stability_index, weighted


def test_the_same_rows_have_not_moved() -> None:
    rows = np.random.default_rng(0).normal(size=1000)
    assert stability_index(rows, rows) == 0.0


def test_a_yes_no_feature_worked_by_hand() -> None:
    then, now = np.repeat([0.0, 1.0], [50, 50]), np.repeat([0.0, 1.0], [80, 20])
    assert stability_index(then, now) == pytest.approx(0.3 * np.log(0.8 / 0.5) + -0.3 * np.log(0.2 / 0.5))


def test_rows_that_became_empty_have_moved() -> None:
    then = np.random.default_rng(0).normal(size=1000)
    now = np.where(np.arange(1000) < 400, np.nan, then)
    assert stability_index(then, now) > 0.25


def test_a_constant_that_fell_has_moved() -> None:
    assert stability_index(np.full(100, 0.5), np.full(100, 0.4)) > 0.25


def test_a_feature_that_was_always_empty_can_be_compared() -> None:
    assert stability_index(np.full(10, np.nan), np.full(10, np.nan)) == 0.0


def test_few_rows_drawn_from_the_same_shop_have_not_moved_more_than_chance() -> None:
    generator = np.random.default_rng(4)
    then = generator.gamma(2.0, 30.0, 20_000)
    found = [moved(then, generator.choice(then, 40)) for _ in range(60)]
    assert sum(each.index > 0.1 for each in found) > 50  # by itself nearly each would be called a shift
    assert sum(each.exceeds(0.1) for each in found) <= 8


def test_rows_that_moved_exceed_the_limit_and_chance() -> None:
    then = np.random.default_rng(0).normal(size=5000)
    assert moved(then, then[:1000] + 1.0).exceeds(0.25)
    assert not moved(then, then[:1000]).exceeds(0.1)


def test_many_rows_of_few_customers_are_worth_few_draws() -> None:
    then = np.random.default_rng(0).normal(size=5000)
    assert moved(then, then[:300], customers=100).by_chance > 2 * moved(then, then[:300]).by_chance


def test_a_feature_counts_by_its_weight() -> None:
    found = {"strong": Moved(0.4, 0.02), "weak": Moved(1.2, 0.02)}
    every = weighted(found, {"strong": 3.0, "weak": 1.0, "unseen": 5.0})
    assert (every.index, every.by_chance) == pytest.approx((0.6, 0.02))


def test_features_without_weight_have_not_moved() -> None:
    assert weighted({"a": Moved(0.4, 0.1)}, {"a": 0.0}) == Moved(0.0, 0.0)
    assert weighted({}, {}) == Moved(0.0, 0.0)


def test_no_rows_at_all_have_not_moved() -> None:
    assert moved(np.array([1.0, 2.0]), np.empty(0)) == Moved(0.0, 0.0)
