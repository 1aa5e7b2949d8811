"""From decisions to the world and back to money."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.demo_shop.ahead import World
from pipeline.loop.touches import Chosen, net_margin, nobody, offers, positions, sent_of
from serving.policy import Policy
from tests.pipeline.ahead_worlds import small_shop
from tests.serving.people import ACTION, POLICY

ASK = {**ACTION, "intent": "ask", "cost_money": 0.5, "discount_share": 0.1, "offer_cost_money": 4.0}
TWO = Policy.model_validate({**POLICY, "actions": {"follow_up": ACTION, "win_back": ASK}})
DAY_US = 86_400_000_000


def chosen(world: World) -> Chosen:
    at = np.full(2, round(world.begin + 0.5) * DAY_US)
    return Chosen(np.array(["c0000003", "c0000001"], dtype=object), np.array([1, 0]), at, np.ones(2))


def test_an_ask_works_fully_and_anything_else_in_part() -> None:
    world = World(small_shop(), 1)
    sent = sent_of(chosen(world), TWO, world.everybody)
    assert sent.person.tolist() == [2, 0]
    assert sent.is_ask.tolist() == [True, False]
    assert sent.effect.tolist() == [1.0, world.everybody.scene.habits.content_lift_share]
    assert sent.discount.tolist() == [0.1, 0.0]
    assert sent.offer.tolist() == [4.0, 0.0]
    assert sent.at.tolist() == [round(world.begin + 0.5)] * 2


def test_messages_and_complaints_are_paid() -> None:
    world = World(small_shop(), 1)
    touches = chosen(world)
    month = world.live(sent_of(touches, TWO, world.everybody))
    month.complaints[5] = 2
    spent = month.margin - net_margin(month, touches, TWO, world.everybody)
    assert np.flatnonzero(spent).tolist() == [0, 2, 5]
    assert spent[[0, 2, 5]].tolist() == pytest.approx([0.02, 0.5, 40.0])


def test_nobody_is_nobody() -> None:
    world = World(small_shop(), 1)
    assert len(sent_of(nobody(), TWO, world.everybody)) == 0


def test_a_stranger_is_refused() -> None:
    with pytest.raises(KeyError, match="c9999999"):
        positions(small_shop(), np.array(["c9999999"], dtype=object))


def test_the_oracle_is_told_every_cost() -> None:
    ask = offers(TWO, content_share=0.4)[1]
    assert (ask.is_ask, ask.effect, ask.discount_share) == (True, 1.0, 0.1)
    assert (ask.offer_cost, ask.send_cost, ask.complaint_cost) == (4.0, 0.5, 20.0)
