"""Touches, troubles and lifetimes of the demo shop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.demo_shop.buying import Lifetimes, draw_purchases
from pipeline.demo_shop.campaigns import EVERY_DAYS, Scene, draw_scene, draw_touches, lift_at
from pipeline.demo_shop.habits import HABITS, Habits, Period, season
from pipeline.demo_shop.people import People, draw_people

PERIOD = Period.of("2026-01-01", 3)


def world(habits: Habits = HABITS, count: int = 4000) -> tuple[People, Scene]:
    people = draw_people(np.random.default_rng(1), np.arange(count), PERIOD, habits)
    return people, draw_scene(np.random.default_rng(2), PERIOD, habits)


def faithful(people: People, **changed: object) -> People:
    """The same people, if they never left by themselves."""
    return replace(people, planned_end=np.full(len(people), np.inf), **changed)


def test_a_year_has_the_days_of_the_calendar() -> None:
    assert PERIOD.end - PERIOD.start == pytest.approx(1096)


def test_the_season_is_one_on_average_and_peaks_in_december() -> None:
    days = np.arange(0.0, 1461.0)
    wave = season(days, np.full(len(days), 0.4))
    assert wave.mean() == pytest.approx(1.0, abs=1e-6)
    assert wave[:365].argmax() == 340


def test_a_touch_lifts_the_rate_until_its_time_is_over() -> None:
    people, scene = world(count=3)
    touches = draw_touches(np.random.default_rng(3), people, scene)
    sent = np.zeros_like(touches.sent)
    sent[1, 5] = True
    touches = replace(touches, sent=sent, relative_lift=np.full(sent.shape, 0.5))
    moment = scene.campaigns.sent_at[5]
    days = np.array([moment - 0.1, moment, moment + 13.9, moment + 14.1, moment])
    factors = lift_at(touches, scene, np.array([1, 1, 1, 1, 0]), days)
    assert list(factors) == [1.0, 1.5, 1.5, 1.0, 1.0]


def test_two_touches_never_work_at_once() -> None:
    assert HABITS.lift_days < EVERY_DAYS


def test_too_many_sales_pitches_drive_people_away() -> None:
    people, scene = world()
    ends = {}
    for fatigue in (0.0, 0.5):
        tired = faithful(people, ask_fatigue=np.full(len(people), fatigue))
        ends[fatigue] = draw_touches(np.random.default_rng(3), tired, scene).natural_end
    assert np.isinf(ends[0.0]).all()
    assert 0.1 < np.isfinite(ends[0.5]).mean() < 0.9


def test_only_people_with_consent_are_touched() -> None:
    people, scene = world()
    sent = draw_touches(np.random.default_rng(3), people, scene).sent
    assert not sent[~people.consent_email].any()
    assert sent[people.consent_email].any(axis=1).mean() > 0.8


def test_people_answer_a_touch_differently() -> None:
    people, _ = world()
    assert np.quantile(people.lift, 0.1) < 0 < np.quantile(people.lift, 0.5) < 0.5 < np.quantile(people.lift, 0.95)


def test_a_touch_makes_those_who_answer_buy_more() -> None:
    people, scene = world()
    orders = {}
    for lift in (-0.3, 0.0, 2.0):
        same = faithful(people, lift=np.full(len(people), lift))
        touches = draw_touches(np.random.default_rng(3), same, scene)
        orders[lift] = len(draw_purchases(np.random.default_rng(4), same, touches, scene)[0])
    assert orders[-0.3] < 0.99 * orders[0.0] < 1.01 * orders[0.0] < orders[2.0]


@pytest.mark.parametrize("trouble", ["refund_upsets", "bad_ticket_upsets"])
def test_a_bad_experience_shortens_lifetimes(trouble: str) -> None:
    calm = replace(HABITS, refund_upsets=0.0, bad_ticket_upsets=0.0)
    assert not np.isfinite(lifetimes(calm).end).any()
    upset = lifetimes(replace(calm, **{trouble: 1.0}))
    assert np.isfinite(upset.end).mean() > 0.1
    assert (upset.end[np.isfinite(upset.end)] > upset.upset_at[np.isfinite(upset.end)]).all()


def lifetimes(habits: Habits) -> Lifetimes:
    people, scene = world(habits)
    same = faithful(people, ask_fatigue=np.zeros(len(people)))
    touches = draw_touches(np.random.default_rng(3), same, scene)
    return draw_purchases(np.random.default_rng(4), same, touches, scene)[1]


def test_interest_falls_to_nothing_over_the_fade() -> None:
    life = Lifetimes(end=np.array([100.0]), upset_at=np.array([np.inf]), fade=np.array([40.0]))
    interest = life.interest(np.zeros(4, dtype=np.int64), np.array([50.0, 60.0, 90.0, 101.0]))
    assert list(interest) == [1.0, 1.0, 0.25, 0.0]
