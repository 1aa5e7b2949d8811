"""Past campaigns: randomised touches with a known propensity, their lift, and whom too much asking drives away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.demo_shop.habits import YEAR_DAYS, Flags, Floats, Habits, Ints, Period
from pipeline.demo_shop.people import People

EVERY_DAYS = 21.0  # longer than a lift lasts, so two touches never overlap
PROPENSITIES = (0.1, 0.25, 0.5)
SALE_DAYS = 45.0  # around the season's peak the shop mostly sells; the rest of the year it mostly talks


@dataclass(frozen=True)
class Campaigns:
    """The shop's calendar of campaigns, the same for everyone."""

    sent_at: Floats
    propensity: Floats
    is_ask: Flags


@dataclass(frozen=True)
class Scene:
    """What all people of the shop share."""

    period: Period
    habits: Habits
    campaigns: Campaigns


@dataclass(frozen=True)
class Touches:
    """Who was touched by which campaign (people x campaigns), and how long each would stay if no order upset them."""

    sent: Flags
    relative_lift: Floats
    annoyed_at: Floats
    natural_end: Floats
    unsubscribed_at: Floats
    complained: Flags


def draw_scene(rng: np.random.Generator, period: Period, habits: Habits) -> Scene:
    """The calendar of campaigns over the period."""
    sent_at = np.arange(period.start + 10.4, period.end, EVERY_DAYS)
    to_peak = np.abs((sent_at - habits.season_peak_day + YEAR_DAYS / 2.0) % YEAR_DAYS - YEAR_DAYS / 2.0)
    is_ask = rng.random(len(sent_at)) < np.where(to_peak < SALE_DAYS, 0.8, 0.12)
    return Scene(period, habits, Campaigns(sent_at, rng.choice(PROPENSITIES, len(sent_at)), is_ask))


def draw_touches(rng: np.random.Generator, people: People, scene: Scene) -> Touches:
    """Touches by lot among those with consent; asking too often ends some relationships."""
    campaigns, shape = scene.campaigns, (len(people), len(scene.campaigns.sent_at))
    reachable = people.consent_email[:, None] & (people.first_order[:, None] + 1.0 < campaigns.sent_at)
    sent = reachable & (rng.random(shape) < campaigns.propensity)
    annoyed_at = _annoyed_at(rng, people, sent, scene)
    leaves_at = annoyed_at + rng.exponential(scene.habits.fatigue_leave_days, shape[0])
    annoyed = annoyed_at < people.planned_end
    complained = annoyed & (rng.random(shape[0]) < 0.12)
    unsubscribes = complained | (annoyed & (rng.random(shape[0]) < 0.4))
    unsubscribed_at = np.where(unsubscribes, annoyed_at, np.inf)
    return Touches(
        sent=sent & (campaigns.sent_at <= unsubscribed_at[:, None]),
        relative_lift=people.lift[:, None] * np.where(campaigns.is_ask, 1.0, scene.habits.content_lift_share),
        annoyed_at=np.where(annoyed, annoyed_at, np.inf),
        natural_end=np.minimum(people.planned_end, leaves_at),
        unsubscribed_at=unsubscribed_at,
        complained=complained,
    )


def _annoyed_at(rng: np.random.Generator, people: People, sent: Flags, scene: Scene) -> Floats:
    """When the asks of the last weeks became one too many; infinite for most."""
    campaigns = scene.campaigns
    asks = sent & campaigns.is_ask
    total = np.cumsum(asks, axis=1)
    before = np.searchsorted(campaigns.sent_at, campaigns.sent_at - scene.habits.ask_memory_days)
    recent: Ints = total - np.where(before > 0, total[:, before - 1], 0)
    chance = people.ask_fatigue[:, None] * np.maximum(recent - 1, 0)
    annoyed = asks & (rng.random(sent.shape) < chance)
    return np.where(annoyed.any(axis=1), campaigns.sent_at[annoyed.argmax(axis=1)], np.inf)


def lift_at(touches: Touches, scene: Scene, person: Ints, day: Floats) -> Floats:
    """Factor on the buying rate of each person at each moment: 1 unless a touch is still working."""
    sent_at = scene.campaigns.sent_at
    latest = np.searchsorted(sent_at, day, side="right") - 1
    safe = np.maximum(latest, 0)
    works = (latest >= 0) & (day - sent_at[safe] < scene.habits.lift_days) & touches.sent[person, safe]
    return 1.0 + np.where(works, touches.relative_lift[person, safe], 0.0)
