"""One chunk of people, their whole story as it really was, before any mess; a chunk has random streams of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.demo_shop.aftermath import draw_aftermath
from pipeline.demo_shop.baskets import Baskets, draw_baskets
from pipeline.demo_shop.buying import Lifetimes, Purchases, draw_purchases
from pipeline.demo_shop.campaigns import Scene, Touches, draw_touches
from pipeline.demo_shop.engagement import draw_mailings, draw_visits, touch_events
from pipeline.demo_shop.events import Events, joined
from pipeline.demo_shop.habits import Floats, Ints
from pipeline.demo_shop.people import People, draw_people

CHUNK = 10_000
ORDERS_PER_CHUNK = 10_000_000
IDLE_UNSUBSCRIBE_DAYS = 900.0


@dataclass(frozen=True)
class Story:
    """Everything that happened to a chunk of people; `later` is what will follow from it after the period's end."""

    number: int
    people: People
    touches: Touches
    purchases: Purchases
    lifetimes: Lifetimes
    baskets: Baskets
    order_numbers: Ints
    events: Events
    later: Events


def draw_story(chunk: int, numbers: Ints, stream: np.random.SeedSequence, scene: Scene) -> Story:
    """Tell the story of the people with these numbers."""
    rngs = [np.random.default_rng(part) for part in stream.spawn(6)]
    people = draw_people(rngs[0], numbers, scene.period, scene.habits)
    touches = draw_touches(rngs[1], people, scene)
    purchases, lifetimes = draw_purchases(rngs[2], people, touches, scene)
    baskets = draw_baskets(rngs[3], people.basket_log[purchases.person], scene.habits)
    order_numbers = chunk * ORDERS_PER_CHUNK + np.arange(len(purchases))
    left_list = _unsubscribed_at(rngs[4], touches, lifetimes)
    parts = [
        draw_visits(rngs[4], people, lifetimes, purchases, scene),
        draw_mailings(rngs[4], people, lifetimes, left_list, scene),
        touch_events(people, touches, left_list, scene),
        draw_aftermath(rngs[5], purchases, lifetimes, baskets.revenue, order_numbers),
    ]
    events, later = _in_time(parts, scene)
    return Story(chunk, people, touches, purchases, lifetimes, baskets, order_numbers, events, later)


def _unsubscribed_at(rng: np.random.Generator, touches: Touches, lifetimes: Lifetimes) -> Floats:
    """The asked-too-often leave the list at once, the long gone some day."""
    return np.minimum(
        touches.unsubscribed_at, lifetimes.end + rng.exponential(IDLE_UNSUBSCRIBE_DAYS, len(lifetimes.end))
    )


def _in_time(parts: Sequence[Events], scene: Scene) -> tuple[Events, Events]:
    """Sorted by time: those of the period, and those after its end."""
    events = joined(parts)
    order = np.argsort(events.day, kind="stable")
    inside = events.day[order] < scene.period.end
    return events.take(order[inside]), events.take(order[~inside])
