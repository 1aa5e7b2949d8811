"""When people order and when they leave: a season-driven Poisson process that ends with the lifetime."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.demo_shop.campaigns import Scene, Touches, lift_at
from pipeline.demo_shop.habits import Floats, Habits, Ints, season
from pipeline.demo_shop.people import People


@dataclass(frozen=True)
class Purchases:
    """Real orders sorted by time, with what went wrong; a delay of NaN means it did not happen."""

    person: Ints
    day: Floats
    refund_after: Floats
    ticket_after: Floats
    ticket_days: Floats

    def __len__(self) -> int:
        """Number of orders."""
        return len(self.person)

    def take(self, rows: Ints) -> Purchases:
        """The orders in these rows."""
        return Purchases(
            self.person[rows], self.day[rows], self.refund_after[rows], self.ticket_after[rows], self.ticket_days[rows]
        )


@dataclass(frozen=True)
class Lifetimes:
    """When each person stopped being a customer, the order that upset them (infinite for most), and how they cool off.

    Interest falls from 1 to 0 over the last `fade` days, whatever made them go; nobody cools off before the reason.
    """

    end: Floats
    upset_at: Floats
    fade: Floats

    def interest(self, person: Ints, day: Floats) -> Floats:
        """Share of the usual interest left at each moment; 0 after the end."""
        share: Floats = np.clip((self.end[person] - day) / self.fade[person], 0.0, 1.0)
        return share


def draw_purchases(
    rng: np.random.Generator, people: People, touches: Touches, scene: Scene
) -> tuple[Purchases, Lifetimes]:
    """Orders and lifetimes; an order that goes wrong may shorten the lifetime, never lengthen it."""
    person, day = _order_times(rng, people, touches, scene)
    wanted, upset_end = with_troubles(rng, person, day, scene.habits)
    upset_at = np.full(len(people), np.inf)
    np.minimum.at(upset_at, person, np.where(np.isfinite(upset_end), day, np.inf))
    end = touches.natural_end.copy()
    deciding = np.isfinite(upset_end) & (day == upset_at[person])
    np.minimum.at(end, person[deciding], upset_end[deciding])
    kept = _with_doubles(rng, wanted.take(np.flatnonzero(day <= end[person])), scene.habits)
    return kept, Lifetimes(end, upset_at, _fade(people, touches, end, upset_at))


def _fade(people: People, touches: Touches, end: Floats, upset_at: Floats) -> Floats:
    since = np.full(len(people), -np.inf)
    annoyed = touches.natural_end < people.planned_end
    since[annoyed] = touches.annoyed_at[annoyed]
    upset = end < touches.natural_end
    since[upset] = upset_at[upset]
    fade: Floats = np.maximum(np.minimum(people.fade, end - since), 0.01)
    return fade


def _order_times(rng: np.random.Generator, people: People, touches: Touches, scene: Scene) -> tuple[Ints, Floats]:
    """Thinning: candidates at the highest rate a person can reach, kept in proportion to the rate of the moment."""
    span = np.maximum(np.minimum(touches.natural_end, scene.period.end) - people.first_order, 0.0)
    highest = (1.0 + people.amplitude) * (1.0 + np.maximum(people.lift, 0.0))
    counts = rng.poisson(people.rate * highest * span)
    person = np.repeat(np.arange(len(people)), counts)
    day = people.first_order[person] + rng.random(len(person)) * span[person]
    now = season(day, people.amplitude[person]) * lift_at(touches, scene, person, day)
    kept = rng.random(len(person)) * highest[person] < now
    person = np.concatenate([np.arange(len(people)), person[kept]])
    day = np.concatenate([people.first_order, day[kept]])
    order = np.lexsort((person, day))
    return person[order], day[order]


def with_troubles(rng: np.random.Generator, person: Ints, day: Floats, habits: Habits) -> tuple[Purchases, Floats]:
    """What goes wrong with each order, and when its buyer would leave over it (infinite when not)."""
    count = len(person)
    refund = np.where(rng.random(count) < habits.refund_share, 3.0 + 20.0 * rng.random(count), np.nan)
    ticket = np.where(rng.random(count) < habits.ticket_share, rng.exponential(3.0, count), np.nan)
    bad = rng.random(count) < habits.bad_ticket_share
    solved = np.where(bad, 4.0 + rng.exponential(7.0, count), rng.exponential(0.8, count))
    refund_upsets = np.isfinite(refund) & (rng.random(count) < habits.refund_upsets)
    ticket_upsets = np.isfinite(ticket) & bad & (rng.random(count) < habits.bad_ticket_upsets)
    when = np.minimum(np.where(refund_upsets, refund, np.inf), np.where(ticket_upsets, ticket, np.inf))
    leaves = day + when + rng.exponential(habits.upset_leave_days, count)
    return Purchases(person, day, refund, ticket, np.where(np.isfinite(ticket), solved, np.nan)), leaves


def _with_doubles(rng: np.random.Generator, purchases: Purchases, habits: Habits) -> Purchases:
    """A few buyers come back later on the same day: two orders, one occasion."""
    rows = np.flatnonzero(rng.random(len(purchases)) < habits.same_day_share)
    again = purchases.day[rows] + rng.random(len(rows)) * (np.floor(purchases.day[rows]) + 1.0 - purchases.day[rows])
    nothing = np.full(len(rows), np.nan)
    person = np.concatenate([purchases.person, purchases.person[rows]])
    day = np.concatenate([purchases.day, again])
    joined = Purchases(
        person,
        day,
        np.concatenate([purchases.refund_after, nothing]),
        np.concatenate([purchases.ticket_after, nothing]),
        np.concatenate([purchases.ticket_days, nothing]),
    )
    return joined.take(np.lexsort((person, day)))
