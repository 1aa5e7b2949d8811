"""The wait for the next order: a value worked by hand, and a simulated Gamma-Poisson shop."""

from __future__ import annotations

import numpy as np
import pytest

from models.btyd import BgNbd, Floats, MbgNbd
from models.timing import LONGEST_WAIT_DAYS, expected_wait_days, second_order_probability, wait_quantile_days

MODEL = BgNbd(r=1.0, alpha=73.0, a=0.8, b=2.5)


def one(value: float) -> Floats:
    return np.array([value])


def test_the_median_wait_worked_by_hand() -> None:
    # r + x = 1, α + T = 73: F(730) = 1 − 73 / 803 = 10/11, half of it is 5/11, and F(t) = 5/11 at 73 · 5/6
    assert wait_quantile_days(MODEL, one(0), one(0), 0.5) == pytest.approx([73 * 5 / 6])


@pytest.mark.parametrize("x", [0.0, 4.0])
def test_the_middle_eighty_percent_hold_eighty_percent_of_simulated_waits(x: float) -> None:
    rng = np.random.default_rng(0)
    waits = rng.exponential(1 / rng.gamma(MODEL.r + x, 1 / (MODEL.alpha + 250), size=40_000))
    waits = waits[waits <= LONGEST_WAIT_DAYS]
    median, low, high = (float(days[0]) for days in expected_wait_days(MODEL, one(x), one(250)))
    assert np.mean(waits < median) == pytest.approx(0.5, abs=0.01)
    assert np.mean((waits >= low) & (waits <= high)) == pytest.approx(0.8, abs=0.01)


def test_more_orders_in_the_same_time_mean_a_shorter_wait() -> None:
    rare, often = wait_quantile_days(MODEL, np.array([1.0, 6.0]), np.array([300.0, 300.0]), 0.5)
    assert often < rare


def test_no_wait_is_longer_than_two_years() -> None:
    slow = BgNbd(r=0.05, alpha=200.0, a=0.8, b=2.5)
    assert wait_quantile_days(slow, one(0), one(300), 0.99)[0] < LONGEST_WAIT_DAYS


def test_a_shorter_horizon_leaves_the_waits_that_end_in_it() -> None:
    # F(73) = 1/2 at α + T = 73, r + x = 1; half of it is 1/4, and F(t) = 1/4 at 73 / 3
    assert wait_quantile_days(MODEL, one(0), one(0), 0.5, longest_days=73.0) == pytest.approx([73 / 3])


def test_the_chance_of_a_second_order_worked_by_hand() -> None:
    # alive for sure: 1 − (73 + 0) / (73 + 73)
    assert second_order_probability(MODEL, one(0), days=73.0) == pytest.approx([0.5])
    # gone at once with a / (a + b) = 0.8 / 3.3, no silence yet: alive 2.5 / 3.3
    assert second_order_probability(MbgNbd(1.0, 73.0, 0.8, 2.5), one(0), days=73.0) == pytest.approx([0.5 * 2.5 / 3.3])


def test_the_chance_of_a_second_order_is_that_of_simulated_first_time_buyers() -> None:
    rng = np.random.default_rng(1)
    model, age = MbgNbd(0.6, 60.0, 0.8, 2.5), 90.0
    rate = rng.gamma(model.r, 1 / model.alpha, size=400_000)
    next_order = np.where(
        rng.uniform(size=len(rate)) < rng.beta(0.8, 2.5, len(rate)), np.inf, rng.exponential(1 / rate)
    )
    silent = next_order > age
    observed = (next_order[silent] <= age + 60.0).mean()
    assert second_order_probability(model, one(age))[0] == pytest.approx(observed, rel=0.02)


def test_the_longer_the_silence_the_smaller_the_chance_of_a_second_order() -> None:
    chances = second_order_probability(MbgNbd(0.6, 60.0, 0.8, 2.5), np.array([1.0, 60.0, 365.0]))
    assert np.all(np.diff(chances) < 0)
