"""Logistic regression with its own preprocessing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.formulas import signed_log
from models.logistic import Logistic


def test_signed_log_keeps_the_sign() -> None:
    assert signed_log(np.array([-9.0, 0.0, 9.0])) == pytest.approx([-np.log(10), 0, np.log(10)])


def test_emptiness_itself_is_a_signal() -> None:
    draw = np.random.default_rng(2)
    empty = draw.uniform(size=4000) < 0.5
    rows = pd.DataFrame({"gap": np.where(empty, np.nan, draw.normal(10, 1, 4000)), "noise": draw.normal(size=4000)})
    churned = (draw.uniform(size=4000) < np.where(empty, 0.8, 0.2)).astype(np.int8)
    chance = Logistic(1.0).fit(rows, churned).predict_proba(rows)[:, 1]
    assert chance[empty].mean() == pytest.approx(0.8, abs=0.03)
    assert chance[~empty].mean() == pytest.approx(0.2, abs=0.03)


def test_a_stronger_penalty_draws_scores_together() -> None:
    draw = np.random.default_rng(3)
    rows = pd.DataFrame({"x": draw.normal(size=500)})
    churned = (rows.x + draw.normal(size=500) > 0).to_numpy(np.int8)
    free, held = (Logistic(l2).fit(rows, churned).churn_log_odds(rows).std() for l2 in (0.1, 1000.0))
    assert held < free / 2


def test_a_value_far_outside_the_training_range_does_not_decide_alone() -> None:
    draw = np.random.default_rng(4)
    rows = pd.DataFrame({"spend": draw.uniform(1, 2, 500), "x": draw.normal(size=500)})
    churned = (rows.spend + rows.x > 1.5).to_numpy(np.int8)
    model = Logistic(1.0).fit(rows, churned)
    far = model.churn_log_odds(pd.DataFrame({"spend": [1e12, 1e15], "x": [0.0, 0.0]}))
    assert far[0] == far[1]


def test_a_column_beyond_its_training_range_counts_as_the_end_of_it() -> None:
    draw = np.random.default_rng(5)
    rows = pd.DataFrame({"season": draw.uniform(0.0, 0.5, 800)})
    churned = (draw.uniform(size=800) < rows.season + 0.2).astype(np.int8)
    model = Logistic(1.0).fit(rows, churned)
    beyond, end = model.churn_log_odds(pd.DataFrame({"season": [1.0, rows.season.max()]}))
    assert beyond == pytest.approx(end)
