"""Laws of all metrics at once, equality with scikit-learn, and values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from models.metrics import BETTER, Floats, Metric, best, binned, grouped, registry

METRICS = registry(calibration_bins=5, top_share=0.2)
RNG = np.random.default_rng(3)
CHANCE = np.round(RNG.uniform(0.02, 0.98, size=400), 2)  # rounded, so that there are ties
CHURNED = (RNG.uniform(size=400) < CHANCE).astype(np.int8)


def value(metric: Metric, churned: Floats, probability: Floats, weights: Floats | None = None) -> float:
    return float(metric(grouped(np.asarray(churned), np.asarray(probability, dtype=float), weights))[0])


def test_every_metric_says_which_way_is_better() -> None:
    assert list(METRICS) == list(BETTER)


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_rows_does_not_matter(name: str) -> None:
    shuffled = np.random.default_rng(1).permutation(400)
    assert value(METRICS[name], CHURNED[shuffled], CHANCE[shuffled]) == pytest.approx(
        value(METRICS[name], CHURNED, CHANCE), abs=1e-12
    )


@pytest.mark.parametrize("name", METRICS)
def test_the_order_among_ties_does_not_matter(name: str) -> None:
    tied = np.full(10, 0.3)
    front, back = np.r_[np.ones(3), np.zeros(7)], np.r_[np.zeros(7), np.ones(3)]
    assert value(METRICS[name], front, tied) == pytest.approx(value(METRICS[name], back, tied), abs=1e-15)


@pytest.mark.parametrize("name", METRICS)
def test_perfect_beats_random_beats_inverted(name: str) -> None:
    churned = np.tile([1.0, 0.0], 200)
    jitter = np.random.default_rng(5).uniform(0.0, 0.05, size=400)
    perfect, inverted = np.where(churned == 1, 0.94, 0.01) + jitter, np.where(churned == 1, 0.01, 0.94) + jitter
    random = np.random.default_rng(5).uniform(0.3, 0.7, size=400)
    ranked = {
        key: value(METRICS[name], churned, each)
        for key, each in [("perfect", perfect), ("random", random), ("inverted", inverted)]
    }
    assert best(name, ranked) == "perfect"
    assert best(name, {key: ranked[key] for key in ("random", "inverted")}) == "random"


@pytest.mark.parametrize("name", METRICS)
def test_a_weight_of_two_equals_a_repeated_row(name: str) -> None:
    weights = np.random.default_rng(2).integers(0, 3, size=400).astype(float)
    repeated = np.repeat(np.arange(400), weights.astype(int))
    weighted = value(METRICS[name], CHURNED, CHANCE, weights)
    assert weighted == pytest.approx(value(METRICS[name], CHURNED[repeated], CHANCE[repeated]), abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_many_resamples_at_once_equal_one_by_one(name: str) -> None:
    weights = np.random.default_rng(4).integers(0, 3, size=(3, 400)).astype(float)
    together = METRICS[name](grouped(CHURNED, CHANCE, weights))
    assert together == pytest.approx([value(METRICS[name], CHURNED, CHANCE, each) for each in weights])


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("roc_auc", sklearn_metrics.roc_auc_score),
        ("pr_auc", sklearn_metrics.average_precision_score),
        ("brier", sklearn_metrics.brier_score_loss),
        ("log_loss", sklearn_metrics.log_loss),
    ],
)
def test_a_metric_scikit_learn_has_equals_its_weighted_version(name: str, theirs: Metric) -> None:
    weights = np.random.default_rng(6).integers(0, 4, size=400).astype(float)
    expected = theirs(CHURNED, CHANCE, sample_weight=weights)  # type: ignore[call-arg]
    assert value(METRICS[name], CHURNED, CHANCE, weights) == pytest.approx(expected, abs=1e-12)


# Six customers, worked by hand.        churned   0    0    1    0    1    1
HAND = np.array([0, 0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.8])


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("roc_auc", 8 / 9),  # of 3 × 3 pairs only (0.3, 0.6) is the wrong way round
        ("pr_auc", (1 + 1 + 3 / 4) / 3),
        ("brier", (0.01 + 0.04 + 0.49 + 0.36 + 0.09 + 0.04) / 6),
        ("log_loss", 0.504765),  # −(ln .9 + ln .8 + ln .3 + ln .4 + ln .7 + ln .8) / 6
        ("skill", 0.271779),  # 1 − 0.504765 / ln 2
    ],
)
def test_six_customers_give_the_values_worked_by_hand(name: str, by_hand: float) -> None:
    assert value(METRICS[name], *HAND) == pytest.approx(by_hand, abs=1e-6)


def test_calibration_error_of_two_bins_worked_by_hand() -> None:
    # low bin: mean 0.2, observed 1/3; high bin: mean 0.7, observed 2/3
    metric = registry(calibration_bins=2, top_share=0.5)["calibration_error"]
    assert value(metric, *HAND) == pytest.approx(((1 / 3 - 0.2) + (0.7 - 2 / 3)) / 2)


def test_lift_of_the_upper_half_worked_by_hand() -> None:
    metric = registry(calibration_bins=2, top_share=0.5)["lift_top_decile"]
    assert value(metric, *HAND) == pytest.approx((2 / 3) / (1 / 2))


def test_a_tie_at_the_border_of_the_top_counts_in_proportion() -> None:
    # The top quarter is half of the two customers at 0.9: half a churner of one contact, over a base rate of 1/4.
    metric = registry(calibration_bins=2, top_share=0.25)["lift_top_decile"]
    assert value(metric, np.array([1, 0, 0, 0]), np.array([0.9, 0.9, 0.1, 0.2])) == pytest.approx(2.0)


def test_equal_probabilities_share_a_calibration_bin() -> None:
    weight, _, _ = binned(grouped(np.array([1, 0, 1, 0]), np.full(4, 0.5)), bins=2)
    assert sorted(weight[0]) == [0.0, 4.0]


def test_auc_without_a_kept_customer_is_unknown() -> None:
    assert np.isnan(value(METRICS["roc_auc"], np.ones(3), np.array([0.1, 0.2, 0.3])))


def test_best_takes_the_lowest_loss_and_the_highest_auc() -> None:
    values = {"xgboost": 0.4, "bgnbd": 0.6}
    assert (best("log_loss", values), best("roc_auc", values)) == ("xgboost", "bgnbd")
