"""Whether the chance of a second order is calibrated: only if earlier cutoffs, seen as of then, say that it pays."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration import Calibration
from models.formulas import probability
from models.second_order import Buyers, calibration_that_pays


def buyers(day: float, shift: float, size: int = 4000, spread: float = 1.0) -> Buyers:
    """First-time buyers whose true log odds are the model's plus `shift`."""
    rng = np.random.default_rng(int(day))
    said = rng.normal(-2.0, spread, size)
    return Buyers(day, said, (rng.uniform(size=size) < probability(said + shift)).astype(np.int8))


def test_a_model_that_always_promises_too_much_is_calibrated() -> None:
    found, losses = calibration_that_pays([buyers(day, -1.0) for day in (0.0, 60.0, 120.0, 180.0)], 60.0)
    assert losses["calibrated"] < losses["plain"]
    assert probability(found.log_odds(np.array([-1.0]))) == pytest.approx(probability(np.array([-2.0])), abs=0.03)


def test_a_model_that_errs_now_one_way_now_the_other_is_left_alone() -> None:
    found, losses = calibration_that_pays([buyers(60.0 * at, 1.0 if at % 2 else -1.0) for at in range(6)], 60.0)
    assert losses["plain"] < losses["calibrated"]
    assert found == Calibration()


def test_a_snapshot_whose_days_were_not_over_is_not_looked_at() -> None:
    assert calibration_that_pays([buyers(0.0, -1.0), buyers(30.0, -1.0)], 60.0) == (Calibration(), {})


def test_without_any_snapshot_there_is_no_calibration() -> None:
    assert calibration_that_pays([], 60.0) == (Calibration(), {})
    nobody = Buyers(0.0, np.empty(0), np.empty(0, dtype=np.int8))
    assert calibration_that_pays([nobody, nobody], 60.0)[0] == Calibration()
