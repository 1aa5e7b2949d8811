"""Everybody of the shop at the end of its simulated period, t0, and the newcomers of each month after it.

Positions are the same in every future: first the people of t0 in the order of their numbers, then newcomers by month.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from pipeline.demo_shop.buying import Lifetimes
from pipeline.demo_shop.campaigns import Scene, draw_scene
from pipeline.demo_shop.events import CODE, Events, joined
from pipeline.demo_shop.habits import HABITS, Floats, Habits, Ints, Period
from pipeline.demo_shop.people import People, draw_people
from pipeline.demo_shop.story import CHUNK, IDLE_UNSUBSCRIBE_DAYS, Story, draw_story

MONTH_DAYS = 30.0
MINUTE = 1.0 / 1440.0
FAR = 5_081_206  # tells the random streams after t0 from those before it


@dataclass(frozen=True)
class Sent:
    """Touches that went out, one row each.

    `effect` is the share of a person's lift that works; each order of the window costs `discount` of its value and
    `offer` (money: a gift, shipping).
    """

    person: Ints
    at: Floats
    is_ask: np.ndarray
    effect: Floats
    discount: Floats
    offer: Floats

    def __len__(self) -> int:
        return len(self.person)

    def take(self, rows: np.ndarray) -> Sent:
        """The touches in these rows."""
        return Sent(**{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Everybody:
    """All who are or will be customers, and how their lives would go on if nobody did anything after t0."""

    people: People
    known: int  # of these were customers at t0
    scene: Scene
    natural: Lifetimes
    natural_end: Floats  # without the upset that some order has already caused
    annoyed_at: Floats
    unsubscribed_at: Floats
    sent: Sent
    later: Events

    def newcomers(self, month: int) -> Ints:
        """Positions of those whose first order falls into this month, counted from 0 at t0."""
        begin = self.scene.period.end + month * MONTH_DAYS
        first = self.people.first_order[self.known :]
        return self.known + np.flatnonzero((first >= begin) & (first < begin + MONTH_DAYS))


def everybody(seed: int, customers: int, period: Period, months: int, habits: Habits = HABITS) -> Everybody:
    """The demo shop of this seed and size, told again to its last day, and the newcomers of these months."""
    streams = np.random.SeedSequence(seed).spawn(1 + -(-customers // CHUNK))
    scene = draw_scene(np.random.default_rng(streams[0]), period, habits)
    stories = []
    for chunk, stream in enumerate(streams[1:]):
        numbers = np.arange(chunk * CHUNK, min((chunk + 1) * CHUNK, customers)) + 1
        stories.append(draw_story(chunk, numbers, stream.spawn(2)[0], scene))
    old = joined_people([story.people for story in stories])
    new = [_arrivals(seed, month, customers, scene) for month in range(months)]
    people = joined_people([old, *new])
    return _lives(people, stories, scene, np.random.default_rng([FAR, seed]))


def joined_people(parts: list[People]) -> People:
    """All people, part after part."""
    return People(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(People)})


def _arrivals(seed: int, month: int, customers: int, scene: Scene) -> People:
    """As many newcomers a month as the shop had on average."""
    begin, days = scene.period.end + month * MONTH_DAYS, scene.period.end - scene.period.start
    count = max(1, round(customers * MONTH_DAYS / days))
    numbers = customers + month * count + np.arange(count) + 1
    rng = np.random.default_rng([FAR, seed, 1, month])
    return draw_people(rng, numbers, Period(begin, begin + MONTH_DAYS), scene.habits)


def _lives(people: People, stories: list[Story], scene: Scene, rng: np.random.Generator) -> Everybody:
    known = sum(len(story.people) for story in stories)
    new = len(people) - known
    never = np.full(new, np.inf)

    def of(*told: Floats, newcomers: Floats = never) -> Floats:
        return np.concatenate([*told, newcomers])

    lives, touches = [story.lifetimes for story in stories], [story.touches for story in stories]
    planned = people.planned_end[known:]
    lists = [_unsubscribed(story) for story in stories]
    return Everybody(
        people=people,
        known=known,
        scene=scene,
        natural=Lifetimes(
            of(*(life.end for life in lives), newcomers=planned),
            of(*(life.upset_at for life in lives)),
            of(*(life.fade for life in lives), newcomers=people.fade[known:]),
        ),
        natural_end=of(*(touch.natural_end for touch in touches), newcomers=planned),
        annoyed_at=of(*(touch.annoyed_at for touch in touches)),
        unsubscribed_at=of(*lists, newcomers=planned + rng.exponential(IDLE_UNSUBSCRIBE_DAYS, new)),
        sent=_recent(np.concatenate([touch.sent for touch in touches]), scene),
        later=_later(stories),
    )


def _unsubscribed(story: Story) -> Floats:
    """When each left the list, or will, the long gone some day; known only of those who were ever on it."""
    both = joined([story.events, story.later])
    left = both.take(np.flatnonzero(both.kind == CODE["unsubscribe"]))
    moment = np.full(len(story.people), np.inf)
    np.minimum.at(moment, left.person, left.day - 30.0 * MINUTE)
    return moment


def _recent(sent: np.ndarray, scene: Scene) -> Sent:
    """The touches before t0 that people still remember."""
    campaigns, habits = scene.campaigns, scene.habits
    person, number = np.nonzero(sent & (campaigns.sent_at >= scene.period.end - habits.ask_memory_days))
    is_ask = campaigns.is_ask[number]
    effect = np.where(is_ask, 1.0, habits.content_lift_share)
    return Sent(person, campaigns.sent_at[number], is_ask, effect, *np.zeros((2, len(person))))


def _later(stories: list[Story]) -> Events:
    """What follows from the orders and mails before t0; who leaves the list later is told by the months themselves."""
    parts, first = [], 0
    for story in stories:
        rows = story.later.take(np.flatnonzero(story.later.kind != CODE["unsubscribe"]))
        parts.append(replace(rows, person=rows.person + first))
        first += len(story.people)
    return joined(parts)
