"""The gain of one future over another."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.loop.futures import Future
from pipeline.loop.gain import gain, mean_gain


def test_a_gain_is_the_mean_difference_per_person() -> None:
    better, without = Future("better", np.array([1.0, 5.0, 3.0])), Future("without", np.array([1.0, 2.0, 3.0]))
    found = gain(better, without)
    assert (found.value, found.customers) == (1.0, 3)
    assert found.high - found.value == pytest.approx(1.959964 * np.sqrt(3.0) / np.sqrt(3.0))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = [abs(mean_gain(0.3 + rng.exponential(2.0, 500) - 2.0).value - 0.3) for _ in range(400)]
    inside = [mean_gain(0.3 + rng.exponential(2.0, 500) - 2.0) for _ in range(400)]
    share = np.mean([each.low <= 0.3 <= each.high for each in inside])
    assert 0.92 < share < 0.98
    assert max(held) < 0.5


def test_no_difference_is_no_gain_and_no_doubt() -> None:
    assert str(mean_gain(np.zeros(4))) == "+0.000 (+0.000 to +0.000)"
