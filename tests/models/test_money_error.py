"""Errors of expected amounts: by hand, with a whale, and what their intervals say."""

from __future__ import annotations

import numpy as np
import pytest

from models.intervals import Bootstrap
from models.money_error import money_errors

BOOTSTRAP = Bootstrap(resamples=200, seed=1, share=0.95)
ACTUAL = np.array([0.0, 10.0, 20.0, 1000.0])
IDS = np.array(["a", "b", "c", "d"], dtype=object)


def test_the_errors_worked_by_hand() -> None:
    found = money_errors(ACTUAL, (np.array([4.0, 10.0, 17.0, 995.0]), 20.0), 100.0, IDS, BOOTSTRAP)
    assert found["mae"].ours.value == pytest.approx((4 + 0 + 3 + 5) / 4)
    assert found["mae"].naive.value == pytest.approx((20 + 10 + 0 + 980) / 4)
    assert found["rmse"].ours.value == pytest.approx(np.sqrt((16 + 0 + 9 + 25) / 4))
    assert found["total_ratio"].ours.value == pytest.approx(1026 / 1030)
    assert found["mae"].difference.value == pytest.approx(3 - 252.5)


def test_a_capped_error_counts_a_huge_amount_as_the_cap() -> None:
    found = money_errors(ACTUAL, (np.array([0.0, 10.0, 20.0, 400.0]), 20.0), 100.0, IDS, BOOTSTRAP)
    assert found["capped_rmse"].ours.value == 0.0
    assert found["rmse"].ours.value == pytest.approx(300.0)
    assert found["capped_rmse"].naive.value == pytest.approx(np.sqrt((400 + 100 + 0 + 80**2) / 4))


def test_the_interval_of_a_difference_leaves_out_zero_where_ours_is_surely_better() -> None:
    rng = np.random.default_rng(0)
    typical = rng.lognormal(3.0, 1.0, 800)
    actual = typical * rng.lognormal(0.0, 0.3, 800)
    ids = np.array([f"c{number}" for number in range(800)], dtype=object)
    found = money_errors(actual, (typical, float(actual.mean())), float(np.quantile(actual, 0.99)), ids, BOOTSTRAP)
    assert found["mae"].difference.high < 0
    assert found["capped_rmse"].difference.high < 0
    assert found["mae"].ours.low < found["mae"].ours.value < found["mae"].ours.high


def test_a_customers_rows_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    actual = np.repeat(rng.lognormal(3.0, 1.0, 100), 5)
    together = np.repeat(np.arange(100), 5)
    wide, narrow = (
        money_errors(actual, (actual + actual, 0.0), 1e9, ids, BOOTSTRAP)["mae"].ours
        for ids in (together, np.arange(500))
    )
    assert wide.high - wide.low > 1.7 * (narrow.high - narrow.low)


def test_nothing_that_came_has_no_ratio() -> None:
    found = money_errors(np.zeros(4), (np.ones(4), 1.0), 5.0, IDS, BOOTSTRAP)
    assert np.isnan(found["total_ratio"].ours.value)
    assert found["mae"].ours.value == 1.0
