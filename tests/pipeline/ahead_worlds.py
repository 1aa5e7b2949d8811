"""Small futures of the demo shop for the tests."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from pipeline.demo_shop.ahead import Month, World
from pipeline.demo_shop.ahead_people import Everybody, Sent, everybody
from pipeline.demo_shop.habits import Floats, Ints, Period
from pipeline.demo_shop.people import People

PERIOD = Period.of("2026-01-01", 3)
MONTHS = 3


@cache
def small_shop(customers: int = 3000) -> Everybody:
    """The people of a small shop and its newcomers of three months."""
    return everybody(7, customers, PERIOD, MONTHS)


def faithful(people: Everybody, **changed: Floats) -> Everybody:
    """The same people, whom nothing but an ask ever drives away, and nobody touched yet; `changed` are their traits."""
    never = np.full(len(people.people), np.inf)
    natural = replace(people.natural, end=never, upset_at=never)
    first = np.minimum(people.people.first_order, PERIOD.end - 1.0)
    there = People(**{**vars(people.people), "first_order": first, **changed})
    calm = replace(people.scene, habits=replace(people.scene.habits, refund_upsets=0.0, bad_ticket_upsets=0.0))
    fresh = people.sent.take(np.zeros(len(people.sent), dtype=bool))
    people = replace(people, people=there, scene=calm, sent=fresh)
    return replace(people, natural=natural, natural_end=never, annoyed_at=never, unsubscribed_at=never)


def touched(world: World, who: Ints, is_ask: bool, after_days: float = 1.0, discount: float = 0.0) -> Sent:
    """One touch for each of these in the world's next month."""
    effect = 1.0 if is_ask else world.everybody.scene.habits.content_lift_share
    alike: Floats = np.ones(len(who))
    return Sent(
        who, alike * (world.begin + after_days), alike * is_ask > 0, alike * effect, alike * discount, alike * 0.0
    )


def told(month: Month) -> list[object]:
    """Everything a month says, comparable."""
    events = [column for _, column in sorted(vars(month.events).items())]
    baskets = [column for _, column in sorted(vars(month.baskets).items())]
    rows = [month.person, month.day, month.order_number, month.margin, month.complaints, *baskets, *events]
    return [np.nan_to_num(row, nan=-1.0).tolist() for row in rows]
