"""The demo shop after its simulated period: what touches change, and what they never do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.demo_shop.ahead import COMPLAIN_SHARE, Month, World, nothing_sent, recent_asks
from pipeline.demo_shop.ahead_people import MONTH_DAYS, Sent
from pipeline.demo_shop.ahead_tables import month_tables
from pipeline.demo_shop.events import CODE
from tests.pipeline.ahead_worlds import PERIOD, faithful, small_shop, told, touched


def everyone_of(world: World) -> np.ndarray:
    return np.arange(len(world.everybody.people))


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, second, other = (World(small_shop(), seed) for seed in (1, 1, 2))
    for _ in range(2):
        months = [world.live(touched(world, np.arange(50), is_ask=True)) for world in (first, second, other)]
        assert told(months[0]) == told(months[1])
        assert told(months[0]) != told(months[2])
    assert month_tables(first.everybody, months[0])["orders"].equals(month_tables(first.everybody, months[1])["orders"])


def test_a_touch_changes_nothing_before_it() -> None:
    people = small_shop()
    people = replace(people, people=replace(people.people, ask_fatigue=np.ones(len(people.people))))
    quiet, loud = World(people, 1), World(people, 1)
    quiet_months, loud_months = [], []
    for _ in range(2):
        quiet_months.append(quiet.live(nothing_sent()))
        loud_months.append(loud.live(touched(loud, everyone_of(loud), is_ask=True, after_days=12.0, discount=0.1)))
    for month, (one, other) in enumerate(zip(quiet_months, loud_months, strict=True)):
        until = PERIOD.end + 12.0 if month == 0 else PERIOD.end
        assert before(one, until) == before(other, until)
    assert told(quiet_months[0]) != told(loud_months[0])
    assert (np.isfinite(loud.annoyed_at) & (loud.everybody.natural.end < PERIOD.end + 60.0)).sum() > 20


def before(month: Month, until: float) -> list[object]:
    """Orders and events of a month before a moment."""
    early, known = month.day < until, month.events.day < until
    return [
        month.person[early].tolist(),
        month.day[early].tolist(),
        month.baskets.revenue[early].tolist(),
        month.events.person[known].tolist(),
        month.events.kind[known].tolist(),
        month.events.day[known].tolist(),
    ]


def test_a_touch_changes_nobody_else() -> None:
    quiet, loud = World(small_shop(), 1), World(small_shop(), 1)
    chosen = np.arange(0, len(quiet.everybody.people), 7)
    for _ in range(3):
        one, other = quiet.live(nothing_sent()), loud.live(touched(loud, chosen, is_ask=True))
        assert others(one, chosen) == others(other, chosen)
    assert (one.margin[chosen] != other.margin[chosen]).any()


def others(month: Month, chosen: np.ndarray) -> list[object]:
    bought, done = ~np.isin(month.person, chosen), ~np.isin(month.events.person, chosen)
    return [
        month.order_number[bought].tolist(),
        month.baskets.revenue[bought].tolist(),
        month.events.kind[done].tolist(),
        month.events.day[done].tolist(),
        np.delete(month.margin, chosen).tolist(),
    ]


def test_the_lift_of_the_treated_is_the_true_one() -> None:
    people = small_shop()
    count = len(people.people)
    traits = {"lift": np.full(count, 0.5), "rate": np.full(count, 0.05)}
    people = faithful(people, amplitude=np.zeros(count), ask_fatigue=np.zeros(count), **traits)
    quiet, loud = World(people, 1), World(people, 1)
    months = [quiet.live(nothing_sent()), loud.live(touched(loud, np.arange(count), is_ask=True, after_days=2.0))]
    inside = [
        ((month.day >= PERIOD.end + 2.0) & (month.day < PERIOD.end + 2.0 + people.scene.habits.lift_days)).sum()
        for month in months
    ]
    expected = 0.05 * people.scene.habits.lift_days * count
    assert inside[0] == pytest.approx(expected, abs=4.0 * np.sqrt(expected))
    added = inside[1] - inside[0]
    assert added == pytest.approx(0.5 * expected, abs=4.0 * np.sqrt(0.5 * expected))
    outside = [(month.day >= PERIOD.end + 16.0).sum() for month in months]
    assert outside[0] == outside[1]


def test_of_two_touches_at_work_the_stronger_counts_and_they_do_not_add_up() -> None:
    world = World(small_shop(), 1)
    begin = world.begin
    at = np.array([begin, begin + 5.0])
    world.sent = Sent(
        np.array([3, 3]), at, np.array([False, True]), np.array([0.4, 1.0]), np.array([0.0, 0.1]), np.array([5.0, 0.0])
    )
    days = np.array([begin - 0.1, begin, begin + 5.0, begin + 14.5, begin + 19.0])
    effect, given = world._at_work(np.full(5, 3), days)
    assert effect.tolist() == [0.0, 0.4, 1.0, 1.0, 0.0]
    assert given.discount.tolist() == [0.0, 0.0, 0.1, 0.1, 0.0]
    assert given.offer.tolist() == [0.0, 5.0, 5.0, 0.0, 0.0]


def test_a_discount_costs_its_share_of_every_order_in_its_window_and_brings_none() -> None:
    people = small_shop()
    people = faithful(people, lift=np.zeros(len(people.people)), ask_fatigue=np.zeros(len(people.people)))
    quiet, loud = World(people, 1), World(people, 1)
    who = everyone_of(quiet)
    one, other = quiet.live(nothing_sent()), loud.live(touched(loud, who, True, after_days=0.0, discount=0.1))
    assert one.order_number.tolist() == other.order_number.tolist()
    window = one.day < PERIOD.end + people.scene.habits.lift_days
    given = np.rint(one.baskets.revenue * 0.1) * window
    assert other.baskets.revenue.tolist() == (one.baskets.revenue - given).tolist()
    assert one.margin.sum() - other.margin.sum() == pytest.approx(given.sum() / 100.0)


def test_one_ask_too_many_drives_some_away_and_the_first_never_does() -> None:
    people = small_shop()
    people = faithful(people, ask_fatigue=np.ones(len(people.people)))
    world = World(people, 1)
    first = world.live(touched(world, everyone_of(world), is_ask=True))
    assert np.isinf(world.annoyed_at).all()
    second = world.live(touched(world, everyone_of(world), is_ask=True))
    assert np.isfinite(world.annoyed_at).all()
    assert (world.end < PERIOD.end + 31.0 + 200.0).all()
    share = second.complaints.mean()
    assert share == pytest.approx(COMPLAIN_SHARE, abs=0.02)
    assert np.isfinite(world.unsubscribed_at).mean() == pytest.approx(0.472, abs=0.03)
    third = world.live(nothing_sent())
    assert len(third.person) < 0.5 * len(first.person)
    spoken = second.events.kind == CODE["unsubscribe"]
    with_consent = people.people.consent_email & np.isfinite(world.unsubscribed_at)
    assert spoken.sum() == with_consent.sum()


def test_content_annoys_nobody() -> None:
    people = small_shop()
    world = World(faithful(people, ask_fatigue=np.ones(len(people.people))), 1)
    for _ in range(3):
        world.live(touched(world, everyone_of(world), is_ask=False))
    assert np.isinf(world.annoyed_at).all()


def test_asks_are_remembered_for_ninety_days() -> None:
    at = np.array([0.0, 50.0, 80.0])
    sent = Sent(np.array([1, 1, 1]), at, np.array([True, False, True]), np.ones(3), np.zeros(3), np.zeros(3))
    found = recent_asks(sent, np.array([1, 1, 2]), np.array([80.0, 90.5, 80.0]), 90.0)
    assert found.tolist() == [2, 1, 0]


def test_a_touch_of_another_month_is_refused() -> None:
    world = World(small_shop(), 1)
    with pytest.raises(ValueError, match="are not of the month"):
        world.live(touched(world, np.arange(3), is_ask=True, after_days=MONTH_DAYS))


def test_the_future_continues_the_past() -> None:
    """Orders of the first month after t0 are as many as the season lets expect from the last year's rates."""
    world = World(small_shop(), 1)
    people, begin = world.everybody.people, world.begin
    days = np.clip(np.minimum(world.end, begin + MONTH_DAYS) - np.maximum(people.first_order, begin), 0.0, MONTH_DAYS)
    expected = (people.rate * days).sum() + len(world.everybody.newcomers(0))
    month = world.live(nothing_sent())
    assert len(month.person) == pytest.approx(expected, rel=0.35)
    kinds = set(month.events.kind.tolist())
    assert {CODE[kind] for kind in ("session", "email_sent", "email_open", "push_sent", "refund", "review")} <= kinds
