"""Which run is better and how sure: verdicts in words, segments, budgets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.intervals import Interval
from models.paired import Paired
from models.profit import Offer
from pipeline.comparing.quality import BUDGETS, quality, verdict
from pipeline.comparing.sides import Shared, Side
from pipeline.params import load_params

HOW = load_params(Path(__file__).parents[2] / "params.yaml").evaluate.model_copy(update={"resamples": 60})

OFFER = Offer(0.35, 5.0, 1.0, 0.1)


def losses(value: float, low: float, high: float, better: int) -> Paired:
    some = Interval(0.5, 0.4, 0.6)
    return Paired(some, some, Interval(value, low, high), better, 200)


@pytest.mark.parametrize(
    ("found", "better", "sure", "words"),
    [
        (losses(-0.02, -0.03, -0.01, 199), "B", "clear", "B is better; better in 199 of 200 resamples"),
        (losses(0.02, 0.01, 0.03, 0), "A", "clear", "A is better; better in 200 of 200 resamples"),
        (losses(-0.02, -0.04, 0.001, 190), "B", "likely", "B is probably better, but not surely; better in 190 of 200"),
        (losses(-0.001, -0.04, 0.04, 110), None, "open", "cannot tell the two apart; B is better in 110 of 200"),
        (losses(0.0, 0.0, 0.0, 0), None, "same", "Both say exactly the same"),
    ],
)
def test_the_verdict_says_who_and_how_sure(found: Paired, better: str | None, sure: str, words: str) -> None:
    told = verdict(found, "B")
    assert (told["better"], told["sure"]) == (better, sure)
    assert words in str(told["text"])


@pytest.fixture(scope="module")
def told() -> dict[str, object]:
    """A: the true chances of 500 customers, B: the same with noise."""
    generator = np.random.default_rng(2)
    truth = generator.uniform(0.02, 0.98, 500)
    churned = (generator.uniform(size=500) < truth).astype(np.int8)
    noisy = np.clip(truth + generator.normal(0.0, 0.3, 500), 0.02, 0.98)
    ids = np.array([f"c{number}" for number in range(500)], dtype=object)
    orders = np.where(np.arange(500) < 10, 1.0, np.where(np.arange(500) < 250, 2.0, 9.0))
    first = pd.DataFrame({"churn_probability": truth, "orders_ever": orders})
    second = Side("B", "b", "b", "2025-01-01", {}, {}, pd.DataFrame())
    return quality(Shared(ids, churned, first, pd.DataFrame({"churn_probability": noisy})), second, HOW, OFFER)


def test_every_metric_names_its_clear_winner_whichever_way_it_counts(told: dict[str, object]) -> None:
    winners = {one["name"]: one["winner"] for one in told["metrics"]}  # type: ignore[attr-defined]
    assert winners["log_loss"] == winners["brier"] == winners["roc_auc"] == winners["skill"] == "A"


def test_a_segment_too_small_to_say_anything_has_no_figures(told: dict[str, object]) -> None:
    one, few, many = told["segments"]  # type: ignore[misc]
    assert (one["customers"], few["customers"], many["customers"]) == (10, 240, 250)
    assert "log_loss" not in one
    assert few["log_loss"]["difference"]["low"] > 0
    assert few["promised_a"] == pytest.approx(few["churn_rate"], abs=0.1)


def test_a_budget_counts_the_leavers_it_reaches(told: dict[str, object]) -> None:
    budgets = told["budgets"]
    assert [one["percent"] for one in budgets] == list(BUDGETS)  # type: ignore[attr-defined]
    half = budgets[-1]  # type: ignore[index]
    assert (half["contacts"], half["winner"]) == (250, "A")
    assert half["more"] == half["leavers_b"] - half["leavers_a"] < 0
    assert half["more_low"] <= half["more"] <= half["more_high"]


def test_the_curves_of_both_have_bands(told: dict[str, object]) -> None:
    curves = told["curves"]
    assert sorted(curves) == ["calibration_a", "calibration_b", "gain_a", "gain_b"]  # type: ignore[call-overload]
    assert all(low <= y <= high for _, y, low, high in curves["gain_a"])  # type: ignore[index]
