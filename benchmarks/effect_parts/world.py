"""The demo shop's people after their last day: what each would order with and without a touch, drawn again and again.

People are resampled from a large pool, so the true effect is the pool's mean, known by formula: orders are a Poisson
process of the personal rate, season and lift; an order's value is lognormal, a few are bulk orders with a Pareto tail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.effect import Flags, Floats
from pipeline.demo_shop.baskets import draw_baskets
from pipeline.demo_shop.buying import draw_purchases
from pipeline.demo_shop.campaigns import draw_scene, draw_touches
from pipeline.demo_shop.habits import HABITS, YEAR_DAYS, Period
from pipeline.demo_shop.people import draw_people

WINDOW_DAYS = 90.0
MARGIN_SHARE = 0.35
DISCOUNT_SHARE = 0.1
SEND_COST = 0.02
ACTIVE_DAYS = 365.0
BULK_TAIL = 2.2
FACTS = ("churn_probability", "order_value_money", "orders", "days_since_last_order", "touches")


@dataclass(frozen=True)
class World:
    """The pool: expected orders without and with a touch, mean log order value, reach, and what the shop knows."""

    expected: Floats
    expected_early: Floats
    extra: Floats
    basket_log: Floats
    agreed: Flags
    before: Floats
    facts: Floats

    def __len__(self) -> int:
        return len(self.expected)

    @property
    def order_margin(self) -> Floats:
        """Mean margin of one order of each person."""
        bulk = 1.0 + HABITS.bulk_share * (1.0 + 1.0 / (BULK_TAIL - 1.0))
        return MARGIN_SHARE * bulk * np.exp(self.basket_log + HABITS.basket_order_spread**2 / 2.0)

    @property
    def true_effect(self) -> Floats:
        """Net margin that assigning a touch adds to each person, in money; nothing without consent."""
        given_away = DISCOUNT_SHARE / MARGIN_SHARE * (self.expected_early + self.extra)
        return np.where(self.agreed, (self.extra - given_away) * self.order_margin - SEND_COST, 0.0)

    @property
    def true_uplift(self) -> Floats:
        """What assigning a touch adds to the chance of an order in the window."""
        return np.where(self.agreed, np.exp(-self.expected) * -np.expm1(-self.extra), 0.0)


@dataclass(frozen=True)
class Lived:
    """People drawn from the pool (`row`), their arms, net margin and whether they ordered."""

    row: np.ndarray
    treated: Flags
    margin: Floats
    ordered: Floats


def lived(world: World, draws: np.random.Generator, size: int, chance: float | Floats, works: bool) -> Lived:
    """One simulated window; `chance` of treatment, one or per person of the pool; not `works`: nothing is sent."""
    row = draws.integers(0, len(world), size)
    treated = draws.random(size) < np.broadcast_to(chance, len(world))[row]
    sent = treated & works & world.agreed[row]
    late = draws.poisson((world.expected - world.expected_early)[row])
    early = draws.poisson(world.expected_early[row] + np.where(sent, world.extra[row], 0.0))
    full, dear = _spent(world, draws, row, late), _spent(world, draws, row, early)
    margin = MARGIN_SHARE * full + np.where(sent, MARGIN_SHARE - DISCOUNT_SHARE, MARGIN_SHARE) * dear
    return Lived(row, treated, margin - SEND_COST * sent, ((late + early) > 0).astype(np.float64))


def made_world(people: int, seed: int = 7) -> World:
    """A pool of active customers at the end of three years."""
    draws = np.random.default_rng(seed)
    period = Period.of("2026-01-01", 3)
    scene = draw_scene(draws, period, HABITS)
    folk = draw_people(draws, np.arange(people), period, HABITS)
    touches = draw_touches(draws, folk, scene)
    purchases, lifetimes = draw_purchases(draws, folk, touches, scene)
    revenue = draw_baskets(draws, folk.basket_log[purchases.person], HABITS).revenue / 100.0
    past = purchases.day < period.end
    who, day = purchases.person[past], purchases.day[past]
    orders = np.bincount(who, minlength=people).astype(np.float64)
    last = np.full(people, -np.inf)
    np.maximum.at(last, who, day)
    recent = day >= period.end - WINDOW_DAYS
    active = np.flatnonzero(last >= period.end - ACTIVE_DAYS)
    stop = np.clip(lifetimes.end - period.end, 0.0, WINDOW_DAYS)[active]
    rate, amplitude = folk.rate[active], folk.amplitude[active]
    expected = _integrated(rate, amplitude, period.end, stop)
    early = _integrated(rate, amplitude, period.end, np.minimum(stop, HABITS.lift_days))
    value = np.bincount(who, revenue[past], people) / np.maximum(orders, 1.0)
    since = period.end - last
    known = {
        "churn_probability": _churn_by_groups(since[active], orders[active], np.exp(-expected)),
        "order_value_money": value[active],
        "orders": orders[active],
        "days_since_last_order": since[active],
        "touches": touches.sent.sum(axis=1)[active].astype(np.float64),
    }
    return World(
        expected=expected,
        expected_early=early,
        extra=np.maximum(folk.lift[active], -1.0) * early,
        basket_log=folk.basket_log[active],
        agreed=folk.consent_email[active],
        before=MARGIN_SHARE * np.bincount(who, revenue[past] * recent, people)[active],
        facts=np.column_stack([known[name] for name in FACTS]),
    )


def _integrated(rate: Floats, amplitude: Floats, begin: float, days: Floats) -> Floats:
    turn = 2.0 * np.pi / YEAR_DAYS
    swing = np.sin(turn * (begin + days - HABITS.season_peak_day)) - np.sin(turn * (begin - HABITS.season_peak_day))
    whole: Floats = rate * (days + amplitude * swing / turn)
    return whole


def _churn_by_groups(since: Floats, orders: Floats, quiet: Floats) -> Floats:
    """The mean chance of no order among people of like recency and orders: what a good model knows."""
    tenth = np.searchsorted(np.quantile(since, np.arange(0.1, 1.0, 0.1)), since)
    group = tenth * 4 + np.minimum(orders, 4).astype(np.int64) - 1
    return (np.bincount(group, quiet) / np.maximum(np.bincount(group), 1))[group]


def _spent(world: World, draws: np.random.Generator, row: np.ndarray, orders: np.ndarray) -> Floats:
    """Revenue of each drawn person's orders."""
    buyer = np.repeat(np.arange(len(row)), orders)
    bulk = np.where(draws.random(len(buyer)) < HABITS.bulk_share, 2.0 + draws.pareto(BULK_TAIL, len(buyer)), 1.0)
    noise = np.exp(HABITS.basket_order_spread * draws.standard_normal(len(buyer)))
    return np.bincount(buyer, bulk * noise * np.exp(world.basket_log[row][buyer]), len(row))
