"""The oracle on one customer whose probability can be worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.demo_shop.truth import oracle_churn_probability

NEVER = None
CUTOFF = pd.Timestamp("2025-01-01", tz="UTC")


def truth(**changed: object) -> pd.DataFrame:
    """One customer who buys once in 100 days, knows no season, and never leaves."""
    known: dict[str, object] = {
        "customer_id": "c1",
        "rate_per_day": 0.01,
        "season_amplitude": 0.0,
        "natural_end_at": NEVER,
        "upset_at": NEVER,
        "lifetime_end_at": NEVER,
        "touched_at": [],
        "touch_lift": [],
        **changed,
    }
    table = pd.DataFrame({name: [value] for name, value in known.items()})
    for name in ("natural_end_at", "upset_at", "lifetime_end_at"):
        table[name] = pd.to_datetime(table[name], utc=True)
    return table


def day(number: int) -> pd.Timestamp:
    return CUTOFF + pd.Timedelta(days=number)


def told(table: pd.DataFrame, horizon_days: int = 90) -> float:
    return float(oracle_churn_probability(table, ["c1"], [CUTOFF], horizon_days)[0])


def test_a_faithful_customer_stays_silent_by_chance_alone() -> None:
    assert told(truth()) == pytest.approx(0.40657, abs=1e-5)  # exp(-0.9)


def test_nobody_orders_after_the_lifetime() -> None:
    table = truth(natural_end_at=day(30), lifetime_end_at=day(30))
    assert told(table) == pytest.approx(0.74082, abs=1e-5)  # exp(-0.3)


def test_who_has_left_is_as_good_as_gone() -> None:
    assert told(truth(natural_end_at=day(-10), lifetime_end_at=day(-10))) == pytest.approx(0.9999)


def test_a_departure_decided_before_the_cutoff_is_known() -> None:
    table = truth(upset_at=day(-5), lifetime_end_at=day(20))
    assert told(table) == pytest.approx(0.81873, abs=1e-5)  # exp(-0.2)


def test_an_order_that_will_upset_is_still_in_the_dice() -> None:
    assert told(truth(upset_at=day(5), lifetime_end_at=day(20))) == pytest.approx(0.40657, abs=1e-5)


def test_a_touch_lifts_the_rate_for_two_weeks() -> None:
    table = truth(touched_at=[day(10)], touch_lift=[1.0])
    assert told(table) == pytest.approx(0.35345, abs=1e-5)  # exp(-0.9 - 0.14)


def test_a_touch_works_only_inside_the_window() -> None:
    table = truth(touched_at=[day(-10), day(200)], touch_lift=[1.0, 1.0])
    assert told(table) == pytest.approx(0.39063, abs=1e-5)  # exp(-0.9 - 0.04)


def test_the_season_before_the_peak_brings_orders() -> None:
    autumn = oracle_churn_probability(truth(season_amplitude=0.5), ["c1"], [pd.Timestamp("2024-11-01", tz="UTC")], 60)
    spring = oracle_churn_probability(truth(season_amplitude=0.5), ["c1"], [pd.Timestamp("2024-05-01", tz="UTC")], 60)
    assert autumn[0] < 0.45 < 0.7 < spring[0]


def test_a_customer_can_be_asked_about_at_many_cutoffs() -> None:
    table = truth(natural_end_at=day(0), lifetime_end_at=day(0))
    both = oracle_churn_probability(table, ["c1", "c1"], [day(-90), day(1)], 90)
    assert both == pytest.approx([0.40657, 0.9999], abs=1e-5)


def test_an_unknown_customer_is_refused() -> None:
    with pytest.raises(KeyError, match="1 of 2 customers"):
        oracle_churn_probability(truth(), ["c1", "c2"], [CUTOFF, CUTOFF], 90)
