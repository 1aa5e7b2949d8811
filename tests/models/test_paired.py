"""Two models on the same customers: their intervals are those of each alone, the difference that of paired_interval."""

from __future__ import annotations

import numpy as np
import pytest

from models.curves import GRID
from models.intervals import Bootstrap, metric_intervals, paired_interval
from models.metrics import log_loss, registry
from models.paired import gain_band, paired_metrics, reliability_band

METRICS = registry(5, 0.1)
BOOTSTRAP = Bootstrap(resamples=200, seed=3, share=0.9)


def sample(rows: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ids, outcomes, the true chances, and the same with noise."""
    generator = np.random.default_rng(1)
    truth = generator.uniform(0.05, 0.95, rows)
    churned = (generator.uniform(size=rows) < truth).astype(np.int8)
    noisy = np.clip(truth + generator.normal(0.0, 0.25, rows), 0.02, 0.98)
    ids = np.array([f"c{number // 2}" for number in range(rows)], dtype=object)
    return ids, churned, truth, noisy


def test_the_difference_and_its_interval_are_those_of_paired_interval() -> None:
    ids, churned, truth, noisy = sample()
    found = paired_metrics(METRICS, churned, (truth, noisy), ids, BOOTSTRAP)
    for name in ("log_loss", "roc_auc", "brier"):
        known = paired_interval(name, churned, noisy, truth, ids, 200, 3, 0.9)
        assert found[name].difference == known


def test_each_side_has_the_interval_it_has_alone() -> None:
    ids, churned, truth, noisy = sample()
    found = paired_metrics(METRICS, churned, (truth, noisy), ids, BOOTSTRAP)
    assert {name: one.first for name, one in found.items()} == metric_intervals(METRICS, churned, truth, ids, BOOTSTRAP)
    assert {name: one.second for name, one in found.items()} == metric_intervals(
        METRICS, churned, noisy, ids, BOOTSTRAP
    )


def test_the_true_chances_are_clearly_better_and_turning_the_sides_turns_the_answer() -> None:
    ids, churned, truth, noisy = sample()
    there = paired_metrics({"log_loss": log_loss}, churned, (noisy, truth), ids, BOOTSTRAP)["log_loss"]
    back = paired_metrics({"log_loss": log_loss}, churned, (truth, noisy), ids, BOOTSTRAP)["log_loss"]
    assert there.is_clear
    assert there.better > 190
    assert back.better == 200 - there.better
    assert (back.difference.low, back.difference.high) == pytest.approx((-there.difference.high, -there.difference.low))


def test_a_model_beside_itself_is_never_better() -> None:
    ids, churned, truth, _ = sample()
    found = paired_metrics(METRICS, churned, (truth, truth), ids, BOOTSTRAP)
    assert {(one.difference.low, one.difference.high, one.better, one.is_clear) for one in found.values()} == {
        (0.0, 0.0, 0, False)
    }


def test_a_metric_that_cannot_be_measured_has_no_resamples() -> None:
    ids, _, truth, noisy = sample(40)
    found = paired_metrics(METRICS, np.zeros(40, np.int8), (truth, noisy), ids, BOOTSTRAP)
    assert found["roc_auc"].resamples == 0
    assert found["log_loss"].resamples == 200


def test_bands_lie_around_their_curves() -> None:
    ids, churned, truth, _ = sample()
    gained = gain_band(churned, truth, ids, BOOTSTRAP)
    assert gained.x.tolist() == GRID.tolist()
    assert (gained.y[0], gained.y[-1]) == (0.0, pytest.approx(1.0))
    kept = reliability_band(churned, truth, ids, BOOTSTRAP, 5)
    assert len(kept.x) == 5
    for band in (gained, kept):
        assert (band.low <= band.y + 1e-9).all()
        assert (band.high >= band.y - 1e-9).all()
        assert (band.high - band.low).max() > 0.01


def test_bins_that_ties_left_empty_are_dropped_from_the_band() -> None:
    ids, churned, _, _ = sample(60)
    band = reliability_band(churned, np.full(60, 0.4), ids, BOOTSTRAP, 5)
    assert len(band.x) == 1
    assert not np.isnan(band.low).any()
