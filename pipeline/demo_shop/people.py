"""Who the customers are: hidden rates, lifetimes and tastes, drawn once for a chunk of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.demo_shop.habits import Flags, Floats, Habits, Ints, Period, season

COUNTRIES = ("DE", "GB", "FR", "US", "NL")
TIMEZONES = ("Europe/Berlin", "Europe/London", "Europe/Paris", "America/New_York", "Europe/Amsterdam")
CHANNELS = ("web", "app", "marketplace")
APP = CHANNELS.index("app")


@dataclass(frozen=True)
class People:
    """One array per trait, one entry per person; nothing here is ever written to the raw tables as it stands."""

    number: Ints
    first_order: Floats
    first_seen: Floats
    rate: Floats
    amplitude: Floats
    planned_end: Floats
    fade: Floats
    lift: Floats
    ask_fatigue: Floats
    visits: Floats
    opens: Floats
    basket_log: Floats
    country: Ints
    channel: Ints
    consent_email: Flags
    consent_sms: Flags
    machine_opens: Flags

    def __len__(self) -> int:
        """Number of people."""
        return len(self.number)


def draw_people(rng: np.random.Generator, numbers: Ints, period: Period, habits: Habits) -> People:
    """People whose first orders are spread over the period; lifetimes are Lomax, rates gamma (Pareto/NBD)."""
    count = len(numbers)
    first_order = _first_orders(rng, count, period, habits)
    rate = rng.gamma(habits.rate_shape, habits.rate_mean / habits.rate_shape, count) + 1e-4
    scale = habits.leave_scale_days * (rate / habits.rate_mean) ** habits.stay_follows_rate
    lifetime = scale * (rng.random(count) ** (-1.0 / habits.leave_shape) - 1.0)
    opens = rng.beta(2.0, 2.5, count)
    follow = (rate / habits.rate_mean) ** habits.visits_follow_rate
    return People(
        number=numbers,
        first_order=first_order,
        first_seen=first_order - rng.exponential(6.0, count),
        rate=rate,
        amplitude=np.clip(rng.normal(habits.season_mean, habits.season_spread, count), 0.0, 0.9),
        planned_end=first_order + lifetime,
        fade=habits.fade_days * np.exp(habits.fade_spread * rng.standard_normal(count)),
        lift=_lifts(rng, opens, habits),
        ask_fatigue=np.clip(rng.gamma(0.7, habits.ask_fatigue_mean / 0.7, count), 0.0, 0.5),
        visits=habits.visits_per_day * follow * np.exp(habits.visits_spread * rng.standard_normal(count)),
        opens=opens,
        basket_log=habits.basket_mean_log + habits.basket_person_spread * rng.standard_normal(count),
        country=rng.choice(len(COUNTRIES), count, p=[0.34, 0.24, 0.18, 0.14, 0.10]),
        channel=rng.choice(len(CHANNELS), count, p=[0.62, 0.26, 0.12]),
        consent_email=rng.random(count) < 0.82,
        consent_sms=rng.random(count) < 0.15,
        machine_opens=rng.random(count) < 0.3,
    )


def _first_orders(rng: np.random.Generator, count: int, period: Period, habits: Habits) -> Floats:
    days = np.arange(period.start, period.end)
    weight = season(days, np.full(len(days), 0.5 * habits.season_mean), habits.season_peak_day)
    share = np.cumsum(weight) / weight.sum()
    day = np.searchsorted(share, rng.random(count), side="right").clip(0, len(days) - 1)
    moment: Floats = np.minimum(days[day] + rng.random(count), period.end - 0.01)
    return moment


def _lifts(rng: np.random.Generator, opens: Floats, habits: Habits) -> Floats:
    """Relative change of the buying rate after a touch: some people answer, most hardly, some turn away."""
    taste = 1.2 * (opens - 0.45) + habits.lift_spread * rng.standard_normal(len(opens))
    return np.clip(0.45 * np.exp(taste) - 0.3, -0.3, 2.5)
