"""Expected metrics: by hand for two customers, the mean over drawn labels for many, and silent about wrong promises."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from models.expected import expected_metrics, measured_metrics
from models.intervals import Bootstrap

HOW = Bootstrap(resamples=400, seed=1, share=0.95)
P = np.random.default_rng(5).beta(1.2, 0.8, 3000)


def test_two_customers_worked_by_hand() -> None:
    found = expected_metrics(np.array([0.2, 0.6]), HOW)
    assert found["churn_rate"].value == pytest.approx(0.4)
    assert found["brier"].value == pytest.approx((0.2 * 0.8 + 0.6 * 0.4) / 2)
    entropy = -(0.2 * np.log(0.2) + 0.8 * np.log(0.8) + 0.6 * np.log(0.6) + 0.4 * np.log(0.4)) / 2
    assert found["log_loss"].value == pytest.approx(entropy)
    # The riskier one leaves alone with 0.6 · 0.8, the safer one alone with 0.2 · 0.4: nobody else makes a pair.
    assert found["roc_auc"].value == pytest.approx(0.48 / (0.48 + 0.08))


def test_the_expected_value_is_the_mean_over_outcomes_drawn_from_the_probabilities() -> None:
    generator = np.random.default_rng(11)
    labels = [generator.random(len(P)) < P for _ in range(300)]
    found = expected_metrics(P, HOW)
    for name, metric in (("roc_auc", roc_auc_score), ("log_loss", log_loss), ("brier", brier_score_loss)):
        assert found[name].value == pytest.approx(np.mean([metric(drawn, P) for drawn in labels]), abs=0.002), name


def test_measured_metrics_are_those_of_scikit_learn() -> None:
    churned = (np.random.default_rng(2).random(len(P)) < P).astype(np.int8)
    found = measured_metrics(churned, P)
    assert found["roc_auc"] == pytest.approx(roc_auc_score(churned, P))
    assert found["log_loss"] == pytest.approx(log_loss(churned, P))
    assert found["churn_rate"] == pytest.approx(churned.mean())


def test_the_range_holds_what_is_measured_when_the_probabilities_are_right_and_not_when_they_are_wrong() -> None:
    found = expected_metrics(P, HOW)
    inside = dict.fromkeys(found, 0)
    for seed in range(60):
        measured = measured_metrics((np.random.default_rng(100 + seed).random(len(P)) < P).astype(np.int8), P)
        for name, each in found.items():
            inside[name] += each.low <= measured[name] <= each.high
    assert min(inside.values()) >= 52  # 57 expected
    wrong = measured_metrics((np.random.default_rng(3).random(len(P)) < P**2).astype(np.int8), P)
    assert wrong["churn_rate"] < found["churn_rate"].low
    assert wrong["log_loss"] > found["log_loss"].high


def test_the_order_of_customers_does_not_matter() -> None:
    assert expected_metrics(P, HOW) == expected_metrics(np.sort(P), HOW)


def test_everybody_equal_is_a_coin_toss_in_rank() -> None:
    found = expected_metrics(np.full(50, 0.3), HOW)
    assert found["roc_auc"].value == pytest.approx(0.5)


def test_one_customer_has_no_auc() -> None:
    found = expected_metrics(np.array([0.3]), HOW)
    assert found["churn_rate"].value == pytest.approx(0.3)
    assert np.isnan(found["roc_auc"].value)
