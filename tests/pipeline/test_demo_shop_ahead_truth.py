"""The oracle of touches against futures really lived."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.demo_shop.ahead import World, nothing_sent
from pipeline.demo_shop.ahead_truth import Offer, order_value, true_value
from pipeline.demo_shop.baskets import draw_baskets
from pipeline.demo_shop.habits import HABITS
from tests.pipeline.ahead_worlds import faithful, small_shop, touched

FREE = {"offer_cost": 0.0, "send_cost": 0.0, "complaint_cost": 0.0}


@pytest.mark.parametrize(("is_ask", "discount"), [(True, 0.0), (False, 0.0), (True, 0.2)])
def test_the_oracle_is_right_on_average_over_lived_futures(is_ask: bool, discount: float) -> None:
    people = small_shop()
    count = len(people.people)
    people = faithful(people, ask_fatigue=np.zeros(count), rate=np.full(count, 0.05))
    offer = Offer(is_ask, 1.0 if is_ask else HABITS.content_lift_share, discount, **FREE)
    gains = []
    for seed in range(4):
        quiet, loud = World(people, seed), World(people, seed)
        told = true_value(quiet, offer, quiet.begin + 1.0, quiet.begin + 90.0)
        sent = touched(loud, np.arange(count), is_ask, discount=discount)
        gains.append(loud.live(sent).margin - quiet.live(nothing_sent()).margin)
    found = np.mean(gains, axis=0)
    error = found.std() / np.sqrt(count)
    assert told.mean() == pytest.approx(found.mean(), abs=4.0 * error)
    assert abs(told.mean()) > 4.0 * error


def test_whoever_has_gone_or_not_come_yet_is_worth_only_the_cost() -> None:
    people = small_shop()
    world = World(people, 1)
    value = true_value(
        world, Offer(False, 0.4, 0.0, 0.0, send_cost=0.02, complaint_cost=20.0), world.begin, world.begin + 90
    )
    gone = (world.end < world.begin) | (people.people.first_order >= world.begin)
    assert np.unique(value[gone]).tolist() == [-0.02]
    assert (value[~gone] > -0.02).any()
    assert (value[~gone] < -0.02).any()


def test_an_ask_after_asks_costs_what_the_annoyed_would_have_brought() -> None:
    people = small_shop()
    count = len(people.people)
    people = faithful(people, ask_fatigue=np.full(count, 0.5), lift=np.zeros(count))
    world = World(people, 1)
    offer = Offer(True, 1.0, 0.0, 0.0, send_cost=0.0, complaint_cost=20.0)
    assert true_value(world, offer, world.begin + 1.0, world.begin + 90.0).tolist() == [0.0] * count
    world.live(touched(world, np.arange(count), is_ask=True))
    assert (true_value(world, offer, world.begin + 1.0, world.begin + 60.0) < -0.5 * 0.12 * 20.0).all()


def test_an_order_is_worth_what_the_baskets_are_on_average() -> None:
    log = np.full(400_000, 3.7)
    drawn = draw_baskets(np.random.default_rng(1), log, HABITS).revenue / 100.0
    assert order_value(log[:1])[0] == pytest.approx(drawn.mean(), rel=0.02)
