"""The mess of real exports, laid over a story: everything `check` has to find, at rates seen in shops.

Broken rows are extra rows, never damage done to a real one, so that the truth stays the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from pipeline.demo_shop.baskets import Baskets
from pipeline.demo_shop.campaigns import Scene
from pipeline.demo_shop.events import BROKEN_KINDS, CODE, ORDER, Events, happened, joined
from pipeline.demo_shop.habits import Flags, Floats, Ints
from pipeline.demo_shop.story import Story

COMPLETED, CANCELLED, TEST = range(3)
STATUSES = ("completed", "cancelled", "test")
GUEST = -1
UNREADABLE_DATES = ("not yet", "31.02.2025 10:00", "2025-13-45T00:00:00Z", "0000-00-00")
GUEST_SHARE, CANCELLED_SHARE, ZERO_SHARE, TEST_SHARE, BROKEN_SHARE = 0.04, 0.015, 0.006, 0.002, 0.004
LATE_SHARE = 0.015
EVENTS_PER_CHUNK = 100_000_000
REPEATED_SHARE, BROKEN_EVENT_SHARE = 0.002, 0.0004
ORDER_OVERLAP_DAYS, EVENT_OVERLAP_DAYS = 50, 120  # one day in so many stands in two exports
SECOND = 1.0 / 86_400.0


@dataclass(frozen=True)
class OrderRows:
    """Rows of the orders export; `basket` is the row of the basket, `unreadable` the place of a bad date (-1: none)."""

    number: Ints
    person: Ints
    day: Floats
    known: Floats
    basket: Ints
    sign: Ints
    status: Ints
    unreadable: Ints
    overlap: Flags

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.number)

    def take(self, rows: Ints) -> OrderRows:
        """These rows."""
        return OrderRows(**{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class EventRows:
    """Rows of the engagement export: event, number, when it became known, and whether it is from the overlap."""

    events: Events
    number: Ints
    known: Floats
    overlap: Flags


def messy_orders(rng: np.random.Generator, story: Story, scene: Scene) -> tuple[OrderRows, Events]:
    """The orders export, and the cancellations that belong to it."""
    count = len(story.purchases)
    real = OrderRows(
        number=story.order_numbers,
        person=story.purchases.person,
        day=story.purchases.day,
        known=story.purchases.day,
        basket=np.arange(count),
        sign=np.ones(count, dtype=np.int64),
        status=np.full(count, COMPLETED),
        unreadable=np.full(count, -1),
        overlap=np.zeros(count, dtype=bool),
    )
    extra = _numbered(_extras(rng, real, scene), story.order_numbers[0] + count)
    rows = _stacked([real, extra])
    rows = replace(rows, known=_late(rng, rows.day, LATE_SHARE, scene))
    rows = rows.take(np.argsort(rows.known, kind="stable"))
    again = rows.take(np.flatnonzero(np.floor(rows.known) % ORDER_OVERLAP_DAYS == 0))
    return _stacked([rows, replace(again, overlap=~again.overlap)]), _cancellations(rng, extra, story.baskets)


def _extras(rng: np.random.Generator, real: OrderRows, scene: Scene) -> OrderRows:
    """Rows that are no purchases of a known customer, each a variation of a real row."""
    guests = _some(rng, real, GUEST_SHARE)
    cancelled = _some(rng, real, CANCELLED_SHARE)
    parcels = _some(rng, real, ZERO_SHARE)
    tests = _some(rng, real, TEST_SHARE)
    negative, unreadable, ahead = (_some(rng, real, BROKEN_SHARE / 3.0) for _ in range(3))
    minutes = (5.0 + 40.0 * rng.random(len(cancelled))) / 1440.0
    rows = _stacked(
        [
            replace(
                guests, person=np.full(len(guests), GUEST), day=guests.day + 5.0 * rng.standard_normal(len(guests))
            ),
            # Cancelled and ordered again: the order that stays is the real one.
            replace(cancelled, day=cancelled.day - minutes, status=np.full(len(cancelled), CANCELLED)),
            replace(parcels, day=parcels.day + 4.0 + 6.0 * rng.random(len(parcels)), sign=np.zeros_like(parcels.sign)),
            replace(tests, status=np.full(len(tests), TEST)),
            replace(negative, sign=-negative.sign),
            replace(unreadable, unreadable=rng.integers(0, len(UNREADABLE_DATES), len(unreadable))),
        ]
    )
    rows = rows.take(np.flatnonzero((rows.day >= scene.period.start) & (rows.day < scene.period.end)))
    return _stacked([rows, replace(ahead, day=scene.period.end + 1.0 + 300.0 * rng.random(len(ahead)))])


def _some(rng: np.random.Generator, rows: OrderRows, share: float) -> OrderRows:
    return rows.take(_rows(rng, len(rows), share))


def _rows(rng: np.random.Generator, count: int, share: float) -> Ints:
    """A share of the rows, at least one: every kind of mess occurs in a shop of any size."""
    return np.sort(rng.choice(count, min(count, max(1, round(share * count))), replace=False))


def _numbered(rows: OrderRows, first: int) -> OrderRows:
    return replace(rows, number=first + np.arange(len(rows)))


def _stacked(parts: list[OrderRows]) -> OrderRows:
    return OrderRows(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(OrderRows)})


def _late(rng: np.random.Generator, day: Floats, share: float, scene: Scene) -> Floats:
    """When the shop could know: mostly at once, sometimes days later, never after the export was made."""
    lag = np.where(rng.random(len(day)) < share, 0.05 + rng.exponential(2.0, len(day)), 0.0)
    return np.minimum(day + lag, scene.period.end - SECOND)


def _cancellations(rng: np.random.Generator, extra: OrderRows, baskets: Baskets) -> Events:
    rows = extra.take(np.flatnonzero(extra.status == CANCELLED))
    day = rows.day + (1.0 + 2.0 * rng.random(len(rows))) / 1440.0
    return happened("cancellation", rows.person, day, baskets.revenue[rows.basket] / 100.0, (ORDER, rows.number))


def messy_events(rng: np.random.Generator, story: Story, cancellations: Events, scene: Scene) -> EventRows:
    """The engagement export: repeated, late, broken and overlapping rows."""
    events = joined([story.events, cancellations])
    real = len(events)
    unknown, ahead = (events.take(_rows(rng, real, BROKEN_EVENT_SHARE)) for _ in range(2))
    unknown = replace(unknown, kind=rng.choice([CODE[kind] for kind in BROKEN_KINDS], len(unknown)))
    events = joined([events, unknown, replace(ahead, day=scene.period.end + 1.0 + 300.0 * rng.random(len(ahead)))])
    known = _late(rng, events.day, 2.0 * LATE_SHARE, scene)
    rows = np.concatenate([np.arange(len(events)), _repeats(rng, events)])
    known = known[rows]
    # A provider tells an event again when our side was slow to answer: the same id, learnt again later.
    known[len(events) :] += rng.exponential(0.2, len(rows) - len(events))
    known = np.minimum(known, scene.period.end - SECOND)
    order = np.argsort(known, kind="stable")
    rows, known = rows[order], known[order]
    again = np.flatnonzero(np.floor(known) % EVENT_OVERLAP_DAYS == 0)
    overlap = np.arange(len(rows) + len(again)) >= len(rows)
    rows, known = np.concatenate([rows, rows[again]]), np.concatenate([known, known[again]])
    return EventRows(events.take(rows), story.number * EVENTS_PER_CHUNK + rows, known, overlap)


def _repeats(rng: np.random.Generator, events: Events) -> Ints:
    """Rows of e-mail events, each many times."""
    mails = np.flatnonzero((events.kind == CODE["email_open"]) | (events.kind == CODE["email_sent"]))
    if not len(mails):
        return mails
    chosen = mails[_rows(rng, len(mails), REPEATED_SHARE)]
    return np.repeat(chosen, 1 + rng.geometric(0.25, len(chosen)))
