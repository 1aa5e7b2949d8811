"""Coverage of the interval of the next order: six customers by hand, and a simulated shop whose log ends early."""

from __future__ import annotations

import numpy as np
import pytest

from models.btyd import BgNbd
from models.coverage import Settled, covered, settled
from models.timing import expected_wait_days

MODEL = BgNbd(r=1.0, alpha=73.0, a=0.8, b=2.5)
LOW, HIGH = np.full(6, 10.0), np.array([50.0, 50.0, 50.0, 50.0, 200.0, 300.0])
WAITS = np.array([5.0, 20.0, 60.0, np.inf, np.inf, 150.0])


def test_every_customer_is_counted_once_by_how_her_interval_fared() -> None:
    # seen for 90 days: the wait of 150 is not yet over, and an interval that ended at day 50 has gone by
    assert settled((LOW, HIGH), WAITS, 90.0) == Settled(before=1, inside=1, after=1, waiting_open=2, waiting_past=1)


def test_who_waits_bounds_the_coverage_from_both_sides() -> None:
    found = settled((LOW, HIGH), WAITS, 90.0)
    assert found.lowest == pytest.approx(1 / 6)
    assert found.highest == pytest.approx(3 / 5)


def test_a_log_longer_than_the_longest_wait_leaves_nothing_open() -> None:
    found = settled((LOW, HIGH), np.array([5.0, 20.0, 60.0, np.inf, np.inf, 800.0]), 900.0)
    assert (found.returned, found.waiting_open, found.waiting_past) == (3, 0, 3)
    assert found.lowest == found.highest == pytest.approx(1 / 3)


def test_nobody_at_all_has_no_coverage() -> None:
    nobody = settled((np.empty(0), np.empty(0)), np.empty(0), 90.0)
    assert (nobody.lowest, nobody.highest) == (None, None)


@pytest.mark.parametrize("follow_up", [30.0, 90.0, 400.0])
def test_a_right_model_covers_what_it_promises_however_early_the_log_ends(follow_up: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.poisson(1.5, 60_000).astype(float)
    T = rng.uniform(20, 400, len(x))
    waits = rng.exponential(1 / rng.gamma(MODEL.r + x, 1 / (MODEL.alpha + T)))
    waits[rng.uniform(size=len(x)) < 0.3] = np.inf  # gone for good
    waits[waits > follow_up] = np.inf
    returned, inside = covered(MODEL, x, T, waits, follow_up, 0.8)
    assert (returned == np.isfinite(waits)).all()
    assert inside.mean() == pytest.approx(0.8, abs=0.01)


def test_the_bounds_hold_the_truth_of_a_shop_whose_log_ends_early() -> None:
    rng = np.random.default_rng(1)
    x, T = np.full(40_000, 2.0), np.full(40_000, 200.0)
    waits = rng.exponential(1 / rng.gamma(MODEL.r + x, 1 / (MODEL.alpha + T)))
    _, low, high = expected_wait_days(MODEL, x, T)
    seen = settled((low, high), np.where(waits <= 120.0, waits, np.inf), 120.0)
    assert seen.lowest is not None
    assert seen.highest is not None
    assert seen.lowest < 0.8 < seen.highest


def test_a_model_twice_too_fast_is_found_out() -> None:
    rng = np.random.default_rng(2)
    x, T = np.full(20_000, 8.0), np.full(20_000, 400.0)
    waits = rng.exponential(1 / rng.gamma(MODEL.r + x, 1 / (MODEL.alpha + T)))
    too_fast = BgNbd(r=2 * (MODEL.r + 8.0) - 8.0, alpha=73.0, a=0.8, b=2.5)
    _, inside = covered(too_fast, x, T, np.where(waits <= 365.0, waits, np.inf), 365.0, 0.8)
    assert inside.mean() < 0.75
