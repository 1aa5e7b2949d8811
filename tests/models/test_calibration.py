"""Calibration in log odds."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration import MIN_SLOPE, Calibration, fitted_calibration
from models.formulas import probability


def drawn(intercept: float, slope: float, rows: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(4)
    scores = draw.normal(0.3, 1.5, rows)
    return scores, (draw.uniform(size=rows) < probability(intercept + slope * scores)).astype(np.int8)


def test_the_mapping_that_made_the_labels_is_found() -> None:
    found = fitted_calibration(*drawn(-0.4, 0.7))
    assert (found.intercept, found.slope) == pytest.approx((-0.4, 0.7), abs=0.04)


def test_mean_probability_meets_the_churn_rate() -> None:
    scores, churned = drawn(0.8, 1.3)
    found = fitted_calibration(scores, churned)
    assert probability(found.log_odds(scores)).mean() == pytest.approx(churned.mean(), abs=0.001)


def test_the_order_of_customers_is_kept_even_when_scores_are_worthless() -> None:
    scores, churned = drawn(0.0, -1.0)
    assert fitted_calibration(scores, churned).slope == MIN_SLOPE


def test_few_rows_move_the_score_only_a_little() -> None:
    assert fitted_calibration(np.array([2.0, -2.0]), np.array([0, 1], np.int8)).slope == pytest.approx(1.0, abs=0.3)


def test_one_class_leaves_the_score_as_it_is() -> None:
    assert fitted_calibration(np.array([0.1, 0.5]), np.array([1, 1], np.int8)) == Calibration(0.0, 1.0)
