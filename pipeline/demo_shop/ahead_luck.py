"""The luck of one month, drawn for everyone before anybody acts: two futures differ only by what the touches change.

An order of the month is a candidate here, at the highest rate its buyer can reach; whether it comes true is decided by
its lot when the month is lived. Events that belong to a candidate carry its position in place of a person's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.demo_shop.ahead_people import FAR, MINUTE, MONTH_DAYS, Everybody
from pipeline.demo_shop.baskets import Baskets, draw_baskets
from pipeline.demo_shop.buying import Purchases, with_troubles
from pipeline.demo_shop.engagement import sessions
from pipeline.demo_shop.events import Events
from pipeline.demo_shop.habits import Flags, Floats, Ints


@dataclass(frozen=True)
class Wishes:
    """Candidates for orders: one comes true if `highest` times `lot` is below the rate of the moment.

    `after` is the position of the order that a double follows, -1 for all others.
    """

    purchases: Purchases
    leaves: Floats
    lot: Floats
    highest: Floats
    is_first: Flags
    after: Ints
    baskets: Baskets
    visits: Events


@dataclass(frozen=True)
class Outings:
    """Candidates for visits without an order."""

    person: Ints
    day: Floats
    lot: Floats
    is_idle: Flags
    visits: Events


@dataclass(frozen=True)
class Luck:
    """All that chance decides in a month; the last three have one entry per person (and day of the month)."""

    begin: float
    wishes: Wishes
    outings: Outings
    patience: Floats
    leave_days: Floats
    mood: Floats
    streams: tuple[np.random.SeedSequence, np.random.SeedSequence]


def draw_luck(everybody: Everybody, seed: int, month: int) -> Luck:
    """The luck of a month, counted from 0 at t0."""
    streams = np.random.SeedSequence([FAR, seed, 2, month]).spawn(5)
    rngs = [np.random.default_rng(stream) for stream in streams[:3]]
    begin, count = everybody.scene.period.end + month * MONTH_DAYS, len(everybody.people)
    return Luck(
        begin=begin,
        wishes=_wishes(rngs[0], everybody, begin),
        outings=_outings(rngs[1], everybody, begin),
        patience=rngs[2].random((count, int(MONTH_DAYS))),
        leave_days=rngs[2].exponential(everybody.scene.habits.fatigue_leave_days, count),
        mood=rngs[2].random(count),
        streams=(streams[3], streams[4]),
    )


def _wishes(rng: np.random.Generator, everybody: Everybody, begin: float) -> Wishes:
    people, habits = everybody.people, everybody.scene.habits
    highest = (1.0 + people.amplitude) * (1.0 + np.maximum(people.lift, 0.0))
    counts = rng.poisson(people.rate * highest * MONTH_DAYS)
    first = np.flatnonzero((people.first_order >= begin) & (people.first_order < begin + MONTH_DAYS))
    person = np.concatenate([first, np.repeat(np.arange(len(people)), counts)])
    day = np.concatenate([people.first_order[first], begin + MONTH_DAYS * rng.random(int(counts.sum()))])
    is_first = np.arange(len(person)) < len(first)
    lot = rng.random(len(person))
    purchases, leaves = with_troubles(rng, person, day, habits)
    doubled = np.flatnonzero(rng.random(len(person)) < habits.same_day_share)
    again = day[doubled] + rng.random(len(doubled)) * (np.floor(day[doubled]) + 1.0 - day[doubled])
    after = np.concatenate([np.full(len(person), -1), doubled])
    purchases = _with_doubles(purchases, doubled, again)
    before = purchases.day - rng.exponential(20.0 * MINUTE, len(after)) - 2.0 * MINUTE
    return Wishes(
        purchases=purchases,
        leaves=np.concatenate([leaves, np.full(len(doubled), np.inf)]),
        lot=np.concatenate([lot, lot[doubled]]),
        highest=highest[purchases.person],
        is_first=np.concatenate([is_first, is_first[doubled]]),
        after=after,
        baskets=draw_baskets(rng, people.basket_log[purchases.person], habits),
        visits=sessions(rng, np.arange(len(after)), before, 1.0),
    )


def _with_doubles(purchases: Purchases, doubled: Ints, again: Floats) -> Purchases:
    """The candidates and, after them, the second orders of the same day, with which nothing goes wrong."""
    every = purchases.take(np.concatenate([np.arange(len(purchases)), doubled]))
    is_double = np.arange(len(every)) >= len(purchases)
    nothing = {name: np.where(is_double, np.nan, getattr(every, name)) for name in _TROUBLES}
    return replace(every, day=np.concatenate([purchases.day, again]), **nothing)


def _outings(rng: np.random.Generator, everybody: Everybody, begin: float) -> Outings:
    people = everybody.people
    rates = (people.visits, everybody.scene.habits.idle_visits_share * people.visits)
    counts = [rng.poisson(rate * MONTH_DAYS) for rate in rates]
    person = np.concatenate([np.repeat(np.arange(len(people)), count) for count in counts])
    day = begin + MONTH_DAYS * rng.random(len(person))
    is_idle = np.arange(len(person)) >= counts[0].sum()
    visits = sessions(rng, np.arange(len(person)), day, 0.12)
    return Outings(person, day, rng.random(len(person)), is_idle, visits)


_TROUBLES = ("refund_after", "ticket_after", "ticket_days")
