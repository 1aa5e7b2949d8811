"""Fading interest: the integral, the answer against people simulated, and what a customer's signs do to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import models.fading as fading
from models.fading import interest_over, no_order_log_odds
from models.fading_rows import lives_of
from models.formulas import probability
from tests.models.fading_cohorts import KNOWN, simulated

ORDERS_ALONE = replace(KNOWN, signs=())


def answer(model: fading.Fading, rows: pd.DataFrame, columns: tuple[str, ...] | None = None) -> np.ndarray:
    chosen = tuple(rows.columns) if columns is None else columns
    lives = lives_of(chosen, lambda name: rows[name].to_numpy(float))
    return probability(no_order_log_odds(model, lives, 90.0))


def log_loss(chance: np.ndarray, quiet: np.ndarray) -> float:
    return float(-np.log(np.where(quiet, chance, 1.0 - chance)).mean())


@pytest.fixture(scope="module")
def people() -> tuple[pd.DataFrame, np.ndarray]:
    return simulated(KNOWN, 6000, seed=4)


@pytest.mark.parametrize("end", [-200.0, -25.0, 0.0, 13.0, 90.0])
@pytest.mark.parametrize("age", [0.0, 5.0, 33.0, 300.0])
def test_the_integral_of_interest_is_what_small_steps_add_up_to(end: float, age: float) -> None:
    middles = (np.arange(60_000) + 0.5) / 60_000 * age
    steps = np.clip((middles - end) / 40.0, 0.08, 1.0).sum() * age / 60_000
    assert interest_over(np.array(age), np.array(end), 40.0, 0.08) == pytest.approx(steps, abs=1e-3)


def test_probability_of_no_order_is_what_simulated_people_do(people: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, quiet = people
    chance = answer(KNOWN, rows)
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.0)):
        some = (chance >= low) & (chance < high)
        assert some.sum() > 300
        assert chance[some].mean() == pytest.approx(quiet[some].mean(), abs=0.04)
    assert chance.mean() == pytest.approx(quiet.mean(), abs=0.015)


def test_visits_and_opens_tell_more_than_orders_alone(people: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, quiet = people
    alone = answer(ORDERS_ALONE, rows, ("btyd_x", "btyd_t_x", "btyd_T"))
    assert alone.mean() == pytest.approx(quiet.mean(), abs=0.02)
    assert log_loss(answer(KNOWN, rows), quiet) < log_loss(alone, quiet) - 0.04


def test_whose_visits_stopped_is_more_likely_gone_than_who_still_comes(people: tuple[pd.DataFrame, np.ndarray]) -> None:
    one = (
        people[0]
        .iloc[[0]]
        .assign(btyd_x=3.0, btyd_t_x=250.0, btyd_T=300.0, days_since_first_session=300.0, visits_alone_ever=20.0)
    )
    windows = [name for name in one.columns if name.startswith("visits_alone") and name.endswith("d")]
    days = np.array([int(name.split("_")[-1][:-1]) for name in windows])
    still = one.assign(days_since_last_session=3.0, **dict(zip(windows, np.ceil(days / 15.0), strict=True)))
    gone = one.assign(days_since_last_session=50.0, **dict(zip(windows, np.maximum(days - 50, 0) // 12, strict=True)))
    assert answer(KNOWN, still)[0] < 0.4
    assert answer(KNOWN, gone)[0] > answer(KNOWN, still)[0] + 0.3


def test_many_rows_get_the_answers_of_single_ones(
    people: tuple[pd.DataFrame, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people[0].iloc[:50]
    whole = answer(KNOWN, rows)
    monkeypatch.setattr(fading, "ROWS", 7)
    assert answer(KNOWN, rows) == pytest.approx(whole, abs=1e-12)
    assert len(answer(KNOWN, rows.iloc[:0])) == 0
