"""The wait for the next order against a simulated Gamma-Poisson shop."""

from __future__ import annotations

import numpy as np
import pytest

from models.btyd import BgNbd
from models.timing import LONGEST_WAIT_DAYS, expected_wait_days, wait_quantile_days

MODEL = BgNbd(r=1.0, alpha=100.0, a=0.8, b=2.5)


def test_the_median_wait_of_a_known_rate_worked_by_hand() -> None:
    # r + x = 1, α + T = 100: P(wait > t) = 100 / (100 + t), one half at 100 days
    assert wait_quantile_days(MODEL, np.array([0.0]), np.array([0.0]), 0.5) == pytest.approx([100.0])


def test_the_middle_eighty_percent_hold_eighty_percent_of_simulated_waits() -> None:
    rng = np.random.default_rng(0)
    rates = rng.gamma(MODEL.r + 4, 1 / (MODEL.alpha + 250), size=20_000)
    waits = rng.exponential(1 / rates)
    median, low, high = (float(days[0]) for days in expected_wait_days(MODEL, np.array([4.0]), np.array([250.0])))
    assert np.mean(waits < median) == pytest.approx(0.5, abs=0.01)
    assert np.mean((waits >= low) & (waits <= high)) == pytest.approx(0.8, abs=0.01)


def test_more_orders_in_the_same_time_mean_a_shorter_wait() -> None:
    rare, often = wait_quantile_days(MODEL, np.array([1.0, 6.0]), np.array([300.0, 300.0]), 0.5)
    assert often < rare


def test_the_tail_of_a_one_time_buyer_is_cut_at_five_years() -> None:
    slow = BgNbd(r=0.05, alpha=200.0, a=0.8, b=2.5)
    assert wait_quantile_days(slow, np.array([0.0]), np.array([300.0]), 0.9) == pytest.approx([LONGEST_WAIT_DAYS])
