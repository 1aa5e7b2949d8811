"""Importance is the rise in log loss: large for what the model needs, nothing for what it does not look at."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from models.btyd import Floats
from models.importance import MOST_ROWS, Rows, importance, loss
from models.intervals import Bootstrap

BOOTSTRAP = Bootstrap(resamples=50, seed=3, share=0.95)


def rows_of(count: int) -> Rows:
    """Column 0 decides, column 1 is its twin, column 2 is noise."""
    random = np.random.default_rng(5)
    decides, noise = random.normal(size=(2, count))
    churned = (random.uniform(size=count) < 1 / (1 + np.exp(-3 * decides))).astype(np.int8)
    ids = np.array([f"c{number // 2}" for number in range(count)], dtype=object)
    return Rows(np.column_stack([decides, decides, noise]), churned, ids)


def half_from_each_twin(values: Floats) -> Floats:
    return 1 / (1 + np.exp(-1.5 * (values[:, 0] + values[:, 1])))


def test_what_decides_matters_noise_does_not_and_twins_stand_in_for_each_other() -> None:
    found = importance(half_from_each_twin, rows_of(800), {"one": [0], "both": [0, 1], "noise": [2]}, BOOTSTRAP)
    assert found["noise"].as_dict() == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert 0 < found["one"].low < found["one"].value < found["one"].high
    assert found["both"].low > found["one"].high


def test_the_loss_is_that_of_scikit_learn_and_never_infinite() -> None:
    rows = rows_of(100)
    said = half_from_each_twin(rows.values)
    assert loss(said, rows.churned).mean() == pytest.approx(log_loss(rows.churned, said))
    assert np.isfinite(loss(np.array([0.0, 1.0]), np.array([1, 0]))).all()


def test_the_rise_is_the_mean_over_all_customers_whatever_the_resamples_draw() -> None:
    rows = rows_of(400)
    few, many = (importance(half_from_each_twin, rows, {"one": [0]}, Bootstrap(n, 3, 0.9)) for n in (20, 200))
    assert few["one"].value == many["one"].value
    assert importance(half_from_each_twin, rows, {"one": [0]}, Bootstrap(20, 3, 0.9)) == few


def test_many_rows_are_thinned_evenly_and_few_are_all_kept() -> None:
    rows = rows_of(3 * MOST_ROWS)
    thin = rows.thinned()
    assert len(thin.values) == len(thin.churned) == len(thin.customer_ids) == MOST_ROWS
    assert (thin.customer_ids[0], thin.customer_ids[-1]) == (rows.customer_ids[0], rows.customer_ids[-1])
    assert rows.thinned(10**9) is rows
