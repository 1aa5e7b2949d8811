"""The demo shop goes on after its simulated period: month by month, under the touches that somebody really sent.

A touch multiplies the buying rate by 1 + lift * effect until `lift_days` are over; of several at work the strongest
counts. An ask that is one too many of the last `ask_memory_days` annoys as in campaigns.py: some leave the list, some
complain, all go soon. A discount or gift is paid with every order of its window. Margins are those of the orders: what
messages and complaints cost is the caller's to subtract.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.demo_shop.aftermath import draw_aftermath
from pipeline.demo_shop.ahead_luck import Luck, draw_luck
from pipeline.demo_shop.ahead_mail import draw_letters
from pipeline.demo_shop.ahead_people import MINUTE, MONTH_DAYS, Everybody, Sent
from pipeline.demo_shop.baskets import Baskets
from pipeline.demo_shop.buying import Lifetimes
from pipeline.demo_shop.events import Events, happened, joined
from pipeline.demo_shop.habits import Flags, Floats, Ints, season

COMPLAIN_SHARE, UNSUBSCRIBE_SHARE = 0.12, 0.4  # of the annoyed, as in campaigns.py
MARGIN_SHARE = 0.35


@dataclass(frozen=True)
class Month:
    """What came of a month. Per order: buyer, day, basket, number; per person: margin after discounts, complaints."""

    number: int
    person: Ints
    day: Floats
    order_number: Ints
    baskets: Baskets
    events: Events
    margin: Floats
    complaints: Ints


@dataclass(frozen=True)
class Given:
    """What a touch gives away with each order: a share of its value, and money."""

    discount: Floats
    offer: Floats


class World:
    """One future; `state` after the months lived so far. Equal seeds and touches give equal futures."""

    def __init__(self, everybody: Everybody, seed: int, margin_share: float = MARGIN_SHARE) -> None:
        count = len(everybody.people)
        self.everybody, self.seed, self.margin_share = everybody, seed, margin_share
        self.months = 0
        self.natural_end = everybody.natural_end.copy()
        self.end = everybody.natural.end.copy()
        self.upset_at = everybody.natural.upset_at.copy()
        self.annoyed_at = everybody.annoyed_at.copy()
        self.unsubscribed_at = everybody.unsubscribed_at.copy()
        # When this future's own annoyance and upset let the interest begin to fall, and where it ends.
        self.turns = [Lifetimes(np.full(count, np.inf), np.full(count, np.inf), np.ones(count)) for _ in range(2)]
        self.sent, self.later = everybody.sent, everybody.later

    @property
    def begin(self) -> float:
        """The first day not yet lived."""
        return self.everybody.scene.period.end + self.months * MONTH_DAYS

    def interest(self, person: Ints, day: Floats) -> Floats:
        """Share of the usual interest; what makes somebody go later never changes it earlier."""
        every = (self.everybody.natural, *self.turns)
        lowest: Floats = np.min([life.interest(person, day) for life in every], axis=0)
        return lowest

    def live(self, sent: Sent) -> Month:
        """Live the next month under these touches, all of that month; ValueError for others."""
        begin = self.begin
        if len(sent) and not (begin <= sent.at.min() and sent.at.max() < begin + MONTH_DAYS):
            raise ValueError(
                f"touches from {sent.at.min():.2f} to {sent.at.max():.2f} are not of the month {begin:.0f}"
            )
        luck = draw_luck(self.everybody, self.seed, self.months)
        kept = np.flatnonzero(self.sent.at >= begin - self.everybody.scene.habits.ask_memory_days)
        self.sent = _both(self.sent.take(kept), sent)
        complained = self._annoy(sent, luck)
        came, given = self._buy(luck)
        month = self._told(luck, came, given, complained)
        self.months += 1
        return month

    def _annoy(self, sent: Sent, luck: Luck) -> Ints:
        """The asks of the month, in their order, to those who had too many; returns who complained."""
        people, habits = self.everybody.people, self.everybody.scene.habits
        asks = sent.take(np.flatnonzero(sent.is_ask))
        asks = asks.take(np.lexsort((asks.person, asks.at)))
        recent = recent_asks(self.sent, asks.person, asks.at, habits.ask_memory_days)
        chance = people.ask_fatigue[asks.person] * np.maximum(recent - 1, 0)
        day = np.clip((asks.at - luck.begin).astype(np.int64), 0, luck.patience.shape[1] - 1)
        annoys = (luck.patience[asks.person, day] < chance) & (asks.at < self.end[asks.person])
        annoys &= np.isinf(self.annoyed_at[asks.person])
        at = np.full(len(people), np.inf)
        np.minimum.at(at, asks.person[annoys], asks.at[annoys])
        who = np.flatnonzero(np.isfinite(at))
        self.annoyed_at[who] = at[who]
        self._turn(0, who, at[who], at[who] + luck.leave_days[who])
        self.natural_end[who] = np.minimum(self.natural_end[who], at[who] + luck.leave_days[who])
        leaves_list = who[luck.mood[who] < UNSUBSCRIBE_SHARE + (1.0 - UNSUBSCRIBE_SHARE) * COMPLAIN_SHARE]
        self.unsubscribed_at[leaves_list] = np.minimum(self.unsubscribed_at[leaves_list], at[leaves_list])
        return who[luck.mood[who] < COMPLAIN_SHARE]

    def _turn(self, which: int, who: Ints, since: Floats, end: Floats) -> None:
        """From `since` on the interest of these falls to nothing at `end`."""
        fade = np.maximum(np.minimum(self.everybody.people.fade[who], end - since), 0.01)
        self.turns[which].end[who] = end
        self.turns[which].fade[who] = fade
        self.end[who] = np.minimum(self.end[who], end)

    def _buy(self, luck: Luck) -> tuple[Flags, Given]:
        """Which candidates come true, and what each is given; an order gone wrong may end a lifetime."""
        people, wishes = self.everybody.people, luck.wishes
        person, day = wishes.purchases.person, wishes.purchases.day
        lift, given = self._at_work(person, day)
        rate = season(day, people.amplitude[person]) * (1.0 + people.lift[person] * lift)
        wanted = wishes.is_first | ((wishes.lot * wishes.highest < rate) & (day >= people.first_order[person]))
        wanted &= (wishes.after < 0) & (day <= self.end[person])
        upsets = wanted & np.isfinite(wishes.leaves) & np.isinf(self.upset_at[person])
        at = np.full(len(people), np.inf)
        np.minimum.at(at, person[upsets], day[upsets])
        deciding = np.flatnonzero(upsets & (day == at[person]))
        self.upset_at[person[deciding]] = day[deciding]
        self._turn(1, person[deciding], day[deciding], wishes.leaves[deciding])
        wanted &= day <= self.end[person]
        return np.where(wishes.after < 0, wanted, wanted[np.maximum(wishes.after, 0)]), given

    def _at_work(self, person: Ints, day: Floats) -> tuple[Floats, Given]:
        """The strongest effect, the highest discount and gift of the touches at work at each moment; 0 without any."""
        touch, row = _pairs(self.sent, person, day, self.everybody.scene.habits.lift_days)
        most = np.zeros((3, len(person)))
        for place, each in enumerate((self.sent.effect, self.sent.discount, self.sent.offer)):
            np.maximum.at(most[place], row, each[touch])
        return most[0], Given(most[1], most[2])

    def _told(self, luck: Luck, came: Flags, given: Given, complained: Ints) -> Month:
        wishes, count = luck.wishes, len(self.everybody.people)
        baskets, off = discounted(wishes.baskets, given.discount)
        rows = np.flatnonzero(came)
        rows = rows[np.lexsort((wishes.purchases.person[rows], wishes.purchases.day[rows]))]
        person = wishes.purchases.person[rows]
        margin = ((self.margin_share * wishes.baskets.revenue - off) / 100.0 - given.offer)[rows]
        number = order_numbers(self.months, len(came))
        return Month(
            number=self.months,
            person=person,
            day=wishes.purchases.day[rows],
            order_number=number[rows],
            baskets=chosen(baskets, rows),
            events=self._events(luck, came, number, complained),
            margin=np.bincount(person, margin, count).astype(np.float64),
            complaints=np.bincount(complained, minlength=count),
        )

    def _events(self, luck: Luck, came: Flags, number: Ints, complained: Ints) -> Events:
        """Everything that is known of the month but its orders and touches, sorted by time; the rest comes later."""
        parts = [self.later, *self._of_orders(luck, came, number), self._visits(luck)]
        parts.append(draw_letters(np.random.default_rng(luck.streams[1]), self, luck.begin))
        parts += self._farewells(luck.begin, complained)
        events = joined(parts)
        order = np.lexsort((events.person, events.kind, events.day))
        is_now = events.day[order] < luck.begin + MONTH_DAYS
        self.later = events.take(order[~is_now])
        return events.take(order[is_now])

    def _of_orders(self, luck: Luck, came: Flags, number: Ints) -> list[Events]:
        wishes = luck.wishes
        day, places = wishes.purchases.day, np.arange(len(came))
        mood = self.interest(wishes.purchases.person, day)
        moods = Lifetimes(day + mood, np.full(len(day), np.inf), np.ones(len(day)))
        rng = np.random.default_rng(luck.streams[0])
        after = draw_aftermath(rng, replace(wishes.purchases, person=places), moods, wishes.baskets.revenue, number)
        return [_of(part, came, wishes.purchases.person) for part in (wishes.visits, after)]

    def _visits(self, luck: Luck) -> Events:
        outings, people = luck.outings, self.everybody.people
        begun = outings.day >= people.first_seen[outings.person]
        wanted = outings.lot < self.interest(outings.person, outings.day)
        return _of(
            outings.visits,
            begun & np.where(outings.is_idle, ~(outings.day < self.end[outings.person]), wanted),
            outings.person,
        )

    def _farewells(self, begin: float, complained: Ints) -> list[Events]:
        """Unsubscribes of those with consent, and complaints."""
        at = self.unsubscribed_at
        gone = np.flatnonzero(self.everybody.people.consent_email & (at >= begin) & (at < begin + MONTH_DAYS))
        return [
            happened("unsubscribe", gone, at[gone] + 30.0 * MINUTE),
            happened("spam_complaint", complained, self.annoyed_at[complained] + 20.0 * MINUTE),
        ]


def recent_asks(sent: Sent, person: Ints, at: Floats, days: float) -> Ints:
    """How many asks each person had in the days up to and including each moment."""
    asks = sent.take(np.flatnonzero(sent.is_ask))
    keys = np.sort(_key(asks.person, asks.at))
    high = np.searchsorted(keys, _key(person, at), side="right")
    return np.asarray(high - np.searchsorted(keys, _key(person, at - days)), dtype=np.int64)


def discounted(baskets: Baskets, share: Floats) -> tuple[Baskets, Ints]:
    """The baskets after a touch's discount, and what it gave away, in cents."""
    given = np.rint(baskets.revenue * share).astype(np.int64)
    return replace(baskets, revenue=baskets.revenue - given, discount=baskets.discount + given), given


def chosen(baskets: Baskets, rows: Ints) -> Baskets:
    """The baskets of these orders, in this order, with their lines."""
    place = np.full(len(baskets.revenue), -1)
    place[rows] = np.arange(len(rows))
    lines = np.flatnonzero(place[baskets.line_order] >= 0)
    lines = lines[np.argsort(place[baskets.line_order[lines]], kind="stable")]
    told = {name: getattr(baskets, name)[lines] for name in ("line_product", "line_quantity", "line_price")}
    per_order = {name: getattr(baskets, name)[rows] for name in ("revenue", "discount", "units")}
    return Baskets(**per_order, line_order=place[baskets.line_order[lines]], **told)


def order_numbers(month: int, count: int) -> Ints:
    """Numbers that no order before t0 has, the same for a candidate in every future."""
    return 9_000_000_000 + month * 10_000_000 + np.arange(count)


def nothing_sent() -> Sent:
    """No touches."""
    none = np.zeros(0)
    return Sent(none.astype(np.int64), none, none.astype(bool), none, none, none)


def _both(first: Sent, second: Sent) -> Sent:
    return Sent(**{name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in vars(first)})


def _key(person: Ints, day: Floats) -> Floats:
    # Days since 1970 stay below 100,000 for centuries.
    return person * 100_000.0 + day


def _pairs(sent: Sent, person: Ints, day: Floats, days: float) -> tuple[Ints, Ints]:
    """Every touch with every moment of the same person at which it is at work: from it on, for `days`."""
    order = np.argsort(_key(person, day), kind="stable")
    keys = _key(person, day)[order]
    low = np.searchsorted(keys, _key(sent.person, sent.at))
    count = np.searchsorted(keys, _key(sent.person, sent.at + days)) - low
    touch = np.repeat(np.arange(len(sent)), count)
    place = np.arange(len(touch)) - np.repeat(np.cumsum(count) - count, count)
    return touch, order[low[touch] + place]


def _of(events: Events, happened_to: Flags, person: Ints) -> Events:
    """Events that carry the position of a candidate: those of the chosen ones, with their persons."""
    rows = events.take(np.flatnonzero(happened_to[events.person]))
    return replace(rows, person=person[rows.person])
