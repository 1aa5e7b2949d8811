"""Maximum likelihood of BG/NBD: formula, gradient, recovery of known parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.special import beta, gamma

from features.errors import ModelError
from models.bgnbd import BgNbdChurn, distinct_histories, fitted_bgnbd, log_likelihood
from models.btyd import BgNbd
from tests.models.cohorts import simulated

THETA = np.log([0.243, 4.414, 0.793, 2.426])  # Fader, Hardie & Lee 2005, table 2
X, T_X, T = np.array([0.0, 2.0, 5.0]), np.array([0.0, 30.43, 12.0]), np.array([38.86, 38.86, 40.0])


def test_likelihood_is_the_papers_equation_six_multiplied_out() -> None:
    r, alpha, a, b = np.exp(THETA)
    expected = 0.0
    for x, t_x, t in zip(X, T_X, T, strict=True):
        stayed = beta(a, b + x) / beta(a, b) * gamma(r + x) * alpha**r / (gamma(r) * (alpha + t) ** (r + x))
        left = beta(a + 1, b + x - 1) / beta(a, b) * gamma(r + x) * alpha**r / (gamma(r) * (alpha + t_x) ** (r + x))
        expected += np.log(stayed + (left if x > 0 else 0.0))
    assert log_likelihood(THETA, X, T_X, T, np.ones(3))[0] == pytest.approx(expected, rel=1e-12)


def test_a_customer_without_repeat_has_the_likelihood_typed_by_hand() -> None:
    # (4.414 / (4.414 + 38.86))^0.243 = 0.102001^0.243; ln = 0.243 · ln 0.102001
    value, _ = log_likelihood(THETA, X[:1], T_X[:1], T[:1], np.ones(1))
    assert value == pytest.approx(0.243 * np.log(4.414 / 43.274), abs=1e-9)
    assert value == pytest.approx(-0.554713, abs=1e-5)


def test_gradient_equals_finite_differences() -> None:
    weights = np.array([1.0, 2.0, 3.0])
    _, slope = log_likelihood(THETA, X, T_X, T, weights)
    numeric = approx_fprime(THETA, lambda theta: log_likelihood(theta, X, T_X, T, weights)[0], 1e-7)
    assert slope == pytest.approx(numeric, abs=2e-5)


@pytest.mark.parametrize("known", [BgNbd(0.9, 45.0, 0.8, 2.5), BgNbd(2.0, 120.0, 1.2, 4.0)])
def test_known_parameters_are_recovered_within_five_percent(known: BgNbd) -> None:
    found = fitted_bgnbd(*simulated(known, 150_000, seed=5)[:3])
    for name in ("r", "alpha", "a", "b"):
        assert getattr(found, name) == pytest.approx(getattr(known, name), rel=0.05), name


def test_equal_histories_are_counted_instead_of_repeated() -> None:
    x, t_x, T = (np.array(column, float) for column in ([1, 0, 1, 1], [30, 0, 30, 30], [90, 50, 90, 91]))
    (counts, last, age), weights = distinct_histories(x, t_x, T)
    assert np.column_stack([counts, last, age, weights]).tolist() == [[0, 0, 50, 1], [1, 30, 90, 2], [1, 30, 91, 1]]


def test_the_unit_of_time_changes_nothing_but_alpha() -> None:
    x, t_x, T, _ = simulated(BgNbd(0.9, 45.0, 0.8, 2.5), 5_000, seed=6)
    days, weeks = fitted_bgnbd(x, t_x, T), fitted_bgnbd(x, t_x / 7, T / 7)
    assert days.alpha / 7 == pytest.approx(weeks.alpha, rel=1e-3)
    assert days.b == pytest.approx(weeks.b, rel=1e-3)


def test_a_shop_of_one_time_buyers_still_gets_finite_answers() -> None:
    rows = pd.DataFrame({"btyd_x": np.zeros(50), "btyd_t_x": np.zeros(50), "btyd_T": np.arange(50.0) + 1})
    fitted = BgNbdChurn(90).fit(rows, np.arange(50) % 2)
    assert np.isfinite(fitted.churn_log_odds(rows)).all()


def test_only_the_latest_cutoff_enters_the_likelihood() -> None:
    x, t_x, T, _ = simulated(BgNbd(0.9, 45.0, 0.8, 2.5), 3_000, seed=7)
    now = pd.DataFrame({"btyd_x": x, "btyd_t_x": t_x, "btyd_T": T})
    before = now.assign(btyd_x=0.0, btyd_t_x=0.0)
    cutoffs = np.repeat(np.array(["2025-01-01", "2025-02-01"], "datetime64[us]"), len(now))
    both = pd.concat([before, now], ignore_index=True)
    churned = np.arange(len(both)) % 2
    alone = BgNbdChurn(90).fit(now, churned[: len(now)])
    assert BgNbdChurn(90).fit(both, churned, cutoffs).model_ == alone.model_


def test_rows_of_different_tables_are_refused() -> None:
    rows = pd.DataFrame({"btyd_x": np.zeros(3), "btyd_t_x": np.zeros(3), "btyd_T": np.ones(3)})
    with pytest.raises(ModelError, match=r"\[2, 3\] rows"):
        BgNbdChurn(90).fit(rows, np.array([0, 1]))
