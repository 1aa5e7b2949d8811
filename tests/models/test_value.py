"""The value of a kept customer: shrinkage by hand, and totals and ranks on a simulated shop."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import ModelError
from models.btyd import BgNbd
from models.value import FEWEST_KEPT, Customers, fitted_value, in_season, orders_if_kept, personal_order_value

MODEL = BgNbd(r=1.0, alpha=100.0, a=0.8, b=2.5)
HORIZON = 90.0


def one(orders: float, order_value: float) -> Customers:
    return Customers(np.array([orders - 1]), np.array([100.0]), np.array([orders]), np.array([order_value]))


def test_an_own_mean_is_drawn_towards_the_shops() -> None:
    assert personal_order_value(one(2, 100.0), shop_value=40.0, weight=2.0) == pytest.approx([70.0])


def test_a_customer_without_a_known_order_value_is_the_shops_average() -> None:
    assert personal_order_value(one(1, np.nan), shop_value=40.0, weight=2.0) == pytest.approx([40.0])


def test_orders_given_at_least_one_equal_those_of_a_simulation() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(HORIZON * rng.gamma(MODEL.r + 3, 1 / (MODEL.alpha + 200), size=200_000))
    customers = Customers(np.array([3.0]), np.array([200.0]), np.array([4.0]), np.array([10.0]))
    assert orders_if_kept(MODEL, customers, HORIZON, slope=1.0) == pytest.approx(counts[counts > 0].mean(), rel=0.01)


def shop(size: int = 4000) -> tuple[Customers, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    rate = rng.gamma(2.0, 0.01, size)
    T = rng.uniform(100, 400, size)
    x = rng.poisson(rate * T).astype(float)
    typical = rng.lognormal(3.5, 0.5, size)
    seen = typical * rng.lognormal(0, 0.4, size) ** (1 / np.sqrt(x + 1))
    orders = rng.poisson(rate * HORIZON).astype(float)
    kept = orders > 0
    customers = Customers(x[kept], T[kept], x[kept] + 1, seen[kept])
    return customers, orders[kept], (orders * typical * rng.lognormal(0, 0.1, size))[kept]


def test_the_total_over_kept_customers_is_right() -> None:
    kept, orders, revenue = shop()
    model = fitted_value(MODEL, HORIZON, kept, orders, revenue)
    assert model.revenue_if_kept(kept).sum() == pytest.approx(revenue.sum(), rel=1e-9)


def test_customers_said_to_be_worth_more_are_worth_more() -> None:
    kept, orders, revenue = shop()
    expected = fitted_value(MODEL, HORIZON, kept, orders, revenue).revenue_if_kept(kept)
    fifths = np.array_split(revenue[np.argsort(expected)], 5)
    assert np.all(np.diff([fifth.mean() for fifth in fifths]) > 0)


def test_a_shop_of_equal_customers_shrinks_all_the_way() -> None:
    rng = np.random.default_rng(2)
    orders = np.full(500, 2.0)
    kept = Customers(np.ones(500), np.full(500, 200.0), np.full(500, 2.0), rng.lognormal(3, 0.8, 500))
    assert fitted_value(MODEL, HORIZON, kept, orders, orders * 20.0).weight == 64.0


def test_nobody_who_ordered_is_refused() -> None:
    nobody = Customers(*(np.empty(0) for _ in range(4)))
    with pytest.raises(ModelError, match="no revenue to learn from: 0 customers"):
        fitted_value(MODEL, HORIZON, nobody, np.empty(0), np.empty(0))


def test_the_season_is_what_came_over_what_was_expected() -> None:
    kept, orders, revenue = shop()
    model = fitted_value(MODEL, HORIZON, kept, orders, revenue)
    assert in_season(model, kept, 1.3 * revenue).season == pytest.approx(1.3)
    assert in_season(model, kept, 1.3 * revenue).revenue_if_kept(kept).sum() == pytest.approx(1.3 * revenue.sum())


def test_too_few_customers_or_no_revenue_tell_no_season() -> None:
    kept, orders, revenue = shop()
    model = fitted_value(MODEL, HORIZON, kept, orders, revenue)
    few = Customers(*(getattr(kept, name)[: FEWEST_KEPT - 1] for name in ("x", "T", "orders", "order_value")))
    assert in_season(model, few, 1.3 * revenue[: FEWEST_KEPT - 1]) == model
    assert in_season(model, kept, 0.0 * revenue) == model
