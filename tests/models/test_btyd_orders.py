"""Expected orders against the paper's closed form and against simulated customers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import hyp2f1

from models.btyd import BgNbd, MbgNbd, alive_probability
from models.btyd_orders import expected_orders
from tests.models.cohorts import simulated

X, T_X, T = np.array([1.0, 2.0, 26.0]), np.array([10.0, 30.43, 30.0]), np.array([30.0, 38.86, 31.0])


def test_it_equals_equation_ten_of_fader_hardie_and_lee() -> None:
    model, t = BgNbd(0.243, 4.414, 1.793, 2.426), 39.0
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    ratio = (alpha + T) / (alpha + T + t)
    series = hyp2f1(r + X, b + X, a + b + X - 1, t / (alpha + T + t))
    paper = (a + b + X - 1) / (a - 1) * (1 - ratio ** (r + X) * series) * alive_probability(model, X, T_X, T)
    assert expected_orders(model, X, T_X, T, t) == pytest.approx(paper, rel=1e-8)


@pytest.mark.parametrize("model", [BgNbd(0.9, 45.0, 0.8, 2.5), MbgNbd(0.9, 45.0, 1.0, 2.5)])
def test_simulated_customers_order_that_often(model: BgNbd) -> None:
    x, t_x, T, orders = simulated(model, 100_000, seed=3, horizon=90.0)
    expected = expected_orders(model, x, t_x, T, 90.0)
    for group in (x == 0, x == 1, (x > 1) & (x < 6), x > 5):
        assert expected[group].mean() == pytest.approx(orders[group].mean(), rel=0.06)


def test_longer_horizons_and_many_orders_stay_finite_and_rise() -> None:
    model, x, t_x = BgNbd(0.9, 45.0, 0.8, 2.5), np.array([0.0, 3000.0]), np.array([0.0, 3600.0])
    short, long = (expected_orders(model, x, t_x, np.array([3650.0, 3650.0]), days) for days in (1.0, 3650.0))
    assert np.isfinite(long).all()
    assert (long > short).all()
