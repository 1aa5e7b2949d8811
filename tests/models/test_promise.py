"""Expected churners beside those that came, with what chance allows."""

from __future__ import annotations

import numpy as np
import pytest

from models.promise import Promise

HUNDRED = np.full(100, 0.5)  # standard deviation of the rate: sqrt(100 · 0.25) / 100 = 0.05


def churned(count: int) -> np.ndarray:
    return (np.arange(100) < count).astype(np.int8)


def test_chance_alone_is_the_spread_of_independent_customers() -> None:
    promise = Promise.of(HUNDRED, churned(50))
    assert (promise.low, promise.high) == (pytest.approx(0.402), pytest.approx(0.598))


def test_a_gap_wider_than_chance_breaks_the_promise_either_way() -> None:
    assert [Promise.of(HUNDRED, churned(count)).holds for count in (40, 41, 59, 60)] == [False, True, True, False]


def test_the_warning_says_which_when_and_how_much() -> None:
    told = Promise.of(HUNDRED, churned(70)).warning("blend", "2011-06-13T00:00:00+00:00")
    assert told == (
        "calibration drifted: at origin 2011-06-13 blend expected 50.0% to churn (40.2% to 59.8% by chance), "
        "and 70.0% did"
    )
