"""What a touch is truly worth to the shop, for one who sees the hidden state: the oracle of policies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.demo_shop.ahead import COMPLAIN_SHARE, World, recent_asks
from pipeline.demo_shop.habits import HABITS, YEAR_DAYS, Floats, Habits

DISCOUNTED = 0.18 * (0.05 + 0.1 + 0.2) / 3.0  # what the shop gives away without any touch, as in baskets.py
BULK = 2.0 + 1.0 / 1.2  # mean size of a bulk order: 2 and a Pareto(2.2)


@dataclass(frozen=True)
class Offer:
    """An action as the world sees it; costs in money."""

    is_ask: bool
    effect: float
    discount_share: float
    offer_cost: float
    send_cost: float
    complaint_cost: float


def true_value(world: World, offer: Offer, at: float, until: float) -> Floats:
    """Expected margin added by sending this to each person at `at`, up to `until`, less all its costs; per person.

    Known: rate, season, lift, the lifetime as it would go on, earlier asks. Not known: the dice. An added order's own
    risk of going wrong is left out.
    """
    people, habits = world.everybody.people, world.everybody.scene.habits
    revenue = order_value(people.basket_log, habits)
    margin = world.margin_share * revenue
    here = np.where(people.first_order < at, 1.0, 0.0)
    stop = np.clip(np.minimum(world.end, at + habits.lift_days), at, until)
    usual = here * _orders(world, at, stop)
    lift = people.lift * offer.effect
    gain = usual * lift * margin
    given = usual * (1.0 + lift) * (offer.discount_share * revenue + offer.offer_cost)
    return gain - given - offer.send_cost - _annoyance(world, offer, (at, until), margin)


def order_value(basket_log: Floats, habits: Habits = HABITS) -> Floats:
    """Expected revenue of an order."""
    bulk = 1.0 + habits.bulk_share * (BULK - 1.0)
    mean: Floats = np.exp(basket_log + habits.basket_order_spread**2 / 2.0) * bulk * (1.0 - DISCOUNTED)
    return mean


def _annoyance(world: World, offer: Offer, when: tuple[float, float], margin: Floats) -> Floats:
    """What one ask too many is expected to cost: the rest of the lifetime, and complaints."""
    people, habits = world.everybody.people, world.everybody.scene.habits
    if not offer.is_ask:
        return np.zeros(len(people))
    at, until = when
    everyone = np.arange(len(people))
    before = recent_asks(world.sent, everyone, np.full(len(people), at), habits.ask_memory_days)
    chance = np.where(np.isinf(world.annoyed_at) & (at < world.end), people.ask_fatigue * before, 0.0)
    leaves = at + habits.fatigue_leave_days
    lost = _orders(world, leaves, np.clip(world.end, leaves, max(until, leaves))) * margin
    cost: Floats = chance * (lost + COMPLAIN_SHARE * offer.complaint_cost)
    return cost


def _orders(world: World, begin: float, stop: Floats) -> Floats:
    """The season-driven rate of everyone, integrated over [begin, stop)."""
    people, turn = world.everybody.people, 2.0 * np.pi / YEAR_DAYS
    peak = world.everybody.scene.habits.season_peak_day
    swing = np.sin(turn * (stop - peak)) - np.sin(turn * (begin - peak))
    whole: Floats = people.rate * (stop - begin + people.amplitude * swing / turn)
    return np.maximum(whole, 0.0)
