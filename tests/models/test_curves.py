"""Curves against points worked by hand and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_auc_score

from models.curves import GRID, gain, precision_recall, reliability, roc
from models.metrics import grouped

HAND = grouped(np.array([0, 0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.8]))


def at(curve: np.ndarray, x: float) -> float:
    return float(curve[np.searchsorted(GRID, x - 1e-9)])


def test_half_of_the_contacts_find_two_of_three_churners() -> None:
    assert at(gain(HAND), 0.5) == pytest.approx(2 / 3)
    assert (gain(HAND)[0], gain(HAND)[-1]) == (0.0, 1.0)


def test_roc_passes_through_the_points_of_the_ranking() -> None:
    assert at(roc(HAND), 0.0) == pytest.approx(2 / 3)
    assert at(roc(HAND), 1.0) == 1.0


def test_the_area_under_the_roc_points_is_the_auc() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=3000)
    churned = (rng.uniform(size=3000) < probability).astype(int)
    area = np.trapezoid(roc(grouped(churned, probability)), GRID)
    assert area == pytest.approx(roc_auc_score(churned, probability), abs=2e-3)


def test_precision_at_a_recall_equals_scikit_learns() -> None:
    churned, probability = np.array([0, 0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.8])
    precision, recall, _ = precision_recall_curve(churned, probability)
    ours = precision_recall(HAND)
    assert at(ours, 1.0) == pytest.approx(precision[recall == 1.0].max())
    assert at(ours, 0.66) == pytest.approx(1.0)


def test_reliability_of_two_bins_worked_by_hand() -> None:
    table = reliability(HAND, bins=2)
    assert table.mean_predicted == pytest.approx([0.2, 0.7])
    assert table.observed == pytest.approx([1 / 3, 2 / 3])
    assert table.count == pytest.approx([3, 3])


def test_a_bin_that_ties_left_empty_is_dropped() -> None:
    assert len(reliability(grouped(np.array([1, 0]), np.full(2, 0.4)), bins=10).count) == 1
