"""MBG/NBD: formula, gradient, recovery of known parameters, and what becomes of first-time buyers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.special import beta, gamma

from models.bgnbd import fitted_bgnbd, log_likelihood
from models.btyd import MbgNbd, alive_probability, no_order_log_odds
from models.formulas import probability
from models.mbgnbd import MbgNbdChurn, fitted_mbgnbd
from tests.models.cohorts import simulated

THETA = np.log([0.525, 6.183, 0.891, 1.614])
X, T_X, T = np.array([0.0, 2.0, 5.0]), np.array([0.0, 30.43, 12.0]), np.array([38.86, 38.86, 40.0])
LEAVERS = MbgNbd(0.9, 45.0, 0.8, 1.5)


def test_likelihood_is_the_papers_multiplied_out() -> None:
    r, alpha, a, b = np.exp(THETA)
    expected = 0.0
    for x, t_x, t in zip(X, T_X, T, strict=True):
        stayed = beta(a, b + x + 1) / beta(a, b) * gamma(r + x) * alpha**r / (gamma(r) * (alpha + t) ** (r + x))
        left = beta(a + 1, b + x) / beta(a, b) * gamma(r + x) * alpha**r / (gamma(r) * (alpha + t_x) ** (r + x))
        expected += np.log(stayed + left)
    assert log_likelihood(THETA, X, T_X, T, np.ones(3), 1)[0] == pytest.approx(expected, rel=1e-12)


def test_gradient_equals_finite_differences() -> None:
    weights = np.array([1.0, 2.0, 3.0])
    _, slope = log_likelihood(THETA, X, T_X, T, weights, 1)
    numeric = approx_fprime(THETA, lambda theta: log_likelihood(theta, X, T_X, T, weights, 1)[0], 1e-7)
    assert slope == pytest.approx(numeric, abs=2e-5)


@pytest.mark.parametrize("known", [LEAVERS, MbgNbd(2.0, 120.0, 1.2, 4.0)])
def test_known_parameters_are_recovered_within_five_percent(known: MbgNbd) -> None:
    found = fitted_mbgnbd(*simulated(known, 150_000, seed=5)[:3])
    for name in ("r", "alpha", "a", "b"):
        assert getattr(found, name) == pytest.approx(getattr(known, name), rel=0.05), name


def test_a_silent_first_time_buyer_is_probably_gone() -> None:
    # x = 0: odds of being gone a/b · ((α + T)/α)^r = 0.8/1.5 · ((45 + 405)/45)^0.9
    odds = 0.8 / 1.5 * 10.0**0.9
    alive = alive_probability(LEAVERS, np.zeros(1), np.zeros(1), np.array([405.0]))
    assert alive == pytest.approx(1 / (1 + odds))


def test_probability_of_no_order_is_what_simulated_customers_do() -> None:
    x, t_x, T, orders = simulated(LEAVERS, 60_000, seed=8, horizon=90.0)
    quiet = probability(no_order_log_odds(LEAVERS, x, t_x, T, 90.0))
    for group in (x == 0, x == 1, x > 1):
        assert quiet[group].mean() == pytest.approx((orders[group] == 0).mean(), abs=0.01)


def test_where_many_leave_at_once_it_fits_better_than_bgnbd() -> None:
    x, t_x, T, _ = simulated(LEAVERS, 20_000, seed=9)
    ours, plain = fitted_mbgnbd(x, t_x, T), fitted_bgnbd(x, t_x, T)
    values = [
        log_likelihood(np.log([m.r, m.alpha, m.a, m.b]), x, t_x, T, np.ones(len(x)), m.chances_before_repeat)[0]
        for m in (ours, plain)
    ]
    assert values[0] > values[1] + 100.0


def test_a_shop_of_one_time_buyers_still_gets_finite_answers() -> None:
    rows = pd.DataFrame({"btyd_x": np.zeros(50), "btyd_t_x": np.zeros(50), "btyd_T": np.arange(50.0) + 1})
    fitted = MbgNbdChurn(90).fit(rows, np.arange(50) % 2)
    assert np.isfinite(fitted.churn_log_odds(rows)).all()
    assert fitted.formula_["kind"] == "mbgnbd"
