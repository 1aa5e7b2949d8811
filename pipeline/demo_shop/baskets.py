"""What is in the orders: amounts in whole cents, a personal and heavy-tailed order value, lines, discounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.demo_shop.habits import Floats, Habits, Ints

PRODUCTS = 400
CATEGORIES = ("home", "garden", "kitchen", "beauty", "toys", "sports", "books", "fashion")


@dataclass(frozen=True)
class Baskets:
    """Per order: amounts and units; per line: the row of its order, product, quantity and price."""

    revenue: Ints
    discount: Ints
    units: Ints
    line_order: Ints
    line_product: Ints
    line_quantity: Ints
    line_price: Ints


def draw_baskets(rng: np.random.Generator, basket_log: Floats, habits: Habits) -> Baskets:
    """One basket per entry of `basket_log`, the buyer's mean log order value; a few orders are bulk orders."""
    count = len(basket_log)
    bulk = np.where(rng.random(count) < habits.bulk_share, 2.0 + rng.pareto(2.2, count), 1.0)
    wanted = 100.0 * bulk * np.exp(basket_log + habits.basket_order_spread * rng.standard_normal(count))
    lines = 1 + np.minimum(rng.poisson(0.8, count), 5)
    order = np.repeat(np.arange(count), lines)
    place = np.arange(len(order)) - np.repeat(np.cumsum(lines) - lines, lines)
    weight = 0.2 + rng.exponential(1.0, len(order))
    share = weight / np.bincount(order, weight, count)[order]
    quantity = 1 + rng.poisson(0.3, len(order))
    price = np.maximum(np.rint(wanted[order] * share / quantity), 99.0).astype(np.int64)
    gross = np.bincount(order, quantity * price, count).astype(np.int64)
    rate = np.where(rng.random(count) < 0.18, rng.choice([0.05, 0.1, 0.2], count), 0.0)
    discount = np.rint(gross * rate).astype(np.int64)
    units = np.bincount(order, quantity, count).astype(np.int64)
    return Baskets(gross - discount, discount, units, order, _products(rng, order, place, count), quantity, price)


def popular_products(rng: np.random.Generator, count: int) -> Ints:
    """Products as shoppers pick them: few are popular, many are rare."""
    return np.minimum((PRODUCTS * rng.random(count) ** 2.5).astype(np.int64), PRODUCTS - 1)


def _products(rng: np.random.Generator, order: Ints, place: Ints, count: int) -> Ints:
    # Steps of a number prime to PRODUCTS: no product twice in one order.
    return (popular_products(rng, count)[order] + 37 * place) % PRODUCTS
