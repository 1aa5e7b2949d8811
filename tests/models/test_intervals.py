"""The bootstrap by customer: what is drawn, how wide it is, and how long it takes."""

from __future__ import annotations

import time

import numpy as np
import pytest

from models.intervals import Bootstrap, Interval, mean_interval, metric_intervals, paired_interval
from models.metrics import log_loss, registry

RNG = np.random.default_rng(0)
CHANCE = RNG.uniform(0.05, 0.95, size=1500)
CHURNED = (RNG.uniform(size=1500) < CHANCE).astype(np.int8)
IDS = np.array([f"c{number}" for number in range(1500)])
BOOTSTRAP = Bootstrap(resamples=100, seed=7, share=0.95)


def test_a_customers_rows_are_drawn_together() -> None:
    (weights,) = Bootstrap(resamples=50, seed=1, share=0.9).weights(np.array(["a", "b", "a", "c"]))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_chunks_of_resamples_equal_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(BOOTSTRAP.weights(IDS)))
    monkeypatch.setattr("models.intervals.CHUNK", 30 * 1500)
    pieces = list(BOOTSTRAP.weights(IDS))
    assert len(pieces) == 4
    assert (np.concatenate(pieces) == whole).all()


@pytest.mark.parametrize("name", registry(10, 0.1))
def test_every_interval_holds_its_value(name: str) -> None:
    found = metric_intervals(registry(10, 0.1), CHURNED, CHANCE, IDS, BOOTSTRAP)[name]
    assert found.low < found.value < found.high


def test_the_interval_of_a_small_calibration_error_is_moved_back_onto_it() -> None:
    # 60 bins of 25 customers: the error is nearly all noise, and resampling adds as much again.
    name, many = "calibration_error", registry(60, 0.1)
    found = metric_intervals({name: many[name]}, CHURNED, CHANCE, IDS, BOOTSTRAP)[name]
    assert found.low < found.value < found.high


def test_the_interval_of_a_mean_is_as_wide_as_its_standard_error_says() -> None:
    found = mean_interval(CHURNED.astype(float), IDS, Bootstrap(resamples=400, seed=7, share=0.95))
    width = 2 * 1.96 * CHURNED.std() / np.sqrt(len(CHURNED))
    assert found.high - found.low == pytest.approx(width, rel=0.15)


def test_repeating_every_customers_rows_does_not_narrow_the_interval() -> None:
    once = mean_interval(CHURNED.astype(float), IDS, BOOTSTRAP)
    thrice = mean_interval(np.tile(CHURNED, 3).astype(float), np.tile(IDS, 3), BOOTSTRAP)
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=1e-9)


def test_the_difference_of_a_model_and_itself_is_exactly_zero() -> None:
    assert paired_interval(log_loss, CHURNED, CHANCE, CHANCE, IDS, 50, 7, 0.95) == Interval(0.0, 0.0, 0.0)


def test_a_better_model_has_a_paired_loss_difference_below_zero() -> None:
    worse = np.clip(CHANCE + RNG.normal(0, 0.2, size=1500), 0.01, 0.99)
    found = paired_interval("log_loss", CHURNED, CHANCE, worse, IDS, 100, 7, 0.95)
    assert found.high < 0.0


def test_a_paired_difference_is_narrower_than_the_metrics_own_interval() -> None:
    close = np.clip(CHANCE + 0.01, 0, 1)
    alone = metric_intervals({"log_loss": log_loss}, CHURNED, CHANCE, IDS, BOOTSTRAP)["log_loss"]
    paired = paired_interval(log_loss, CHURNED, CHANCE, close, IDS, 100, 7, 0.95)
    assert paired.high - paired.low < (alone.high - alone.low) / 5


def test_the_same_seed_gives_the_same_interval() -> None:
    one, two = (metric_intervals({"log_loss": log_loss}, CHURNED, CHANCE, IDS, BOOTSTRAP) for _ in range(2))
    assert one == two


def test_one_class_only_gives_an_interval_of_the_value_itself() -> None:
    found = BOOTSTRAP.interval(float("nan"), np.full(5, np.nan))
    assert np.isnan([found.value, found.low, found.high]).all()


def test_two_hundred_resamples_of_seven_metrics_for_five_models_take_seconds() -> None:
    chance = np.random.default_rng(0).uniform(size=15_000)
    churned, ids = (chance > 0.5).astype(int), np.arange(15_000)
    started = time.perf_counter()
    metric_intervals(registry(10, 0.1), churned, chance, ids, Bootstrap(200, 7, 0.95))
    assert time.perf_counter() - started < 3.0  # a fifth of the 15 s budget; 0.4 s measured
