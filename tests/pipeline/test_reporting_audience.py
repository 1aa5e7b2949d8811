"""Who is at risk and why, on three scored customers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.reporting.audience import Audience, audience
from tests.pipeline.reporting_inputs import write_run


@pytest.fixture
def found(tmp_path: Path) -> Audience:
    write_run(tmp_path)
    return audience(tmp_path / "data/scores.parquet", tmp_path / "data/plan.parquet")


def test_at_risk_are_those_at_or_above_one_half(found: Audience) -> None:
    assert (found["customers"], found["at_risk"], found["expected_to_leave"]) == (3, 2, 2)
    assert found["at_risk_share"] == pytest.approx(2 / 3)
    assert found["value_at_risk"] == 61.5


def test_contacts_are_customers_with_an_action(found: Audience) -> None:
    assert found["contacted"] == 1
    assert [group["contacted"] for group in found["deciles"]] == [0, 1, 0]


def test_groups_have_mean_and_range_of_the_probability(found: Audience) -> None:
    loyal, slipping = found["segments"]
    assert (loyal["name"], loyal["customers"], loyal["mean_probability"]) == ("loyal", 1, 0.2)
    assert slipping["mean_probability"] == pytest.approx(0.7)
    assert (slipping["lowest_probability"], slipping["highest_probability"]) == (0.5, 0.9)


def test_reasons_count_customers_per_feature_and_direction(found: Audience) -> None:
    assert [(reason["feature"], reason["direction"], reason["customers"]) for reason in found["reasons"]] == [
        ("days_since_last_order", "raises", 2),
        ("orders_90d", "lowers", 2),
    ]
    assert found["segment_reasons"]["loyal"] == {"raises": None, "lowers": "orders_90d"}
    assert found["raising_by_decile"] == [{"feature": "days_since_last_order", "shares": [1.0, 1.0, 0.0]}]


def test_a_shop_without_revenue_has_no_value_at_risk(tmp_path: Path) -> None:
    write_run(tmp_path, revenue=False)
    found = audience(tmp_path / "data/scores.parquet", tmp_path / "data/plan.parquet")
    assert found["value_at_risk"] is None
    assert {group["value_at_risk"] for group in found["segments"]} == {None}


def test_customers_with_most_to_lose_come_first_with_their_reasons_in_words(found: Audience) -> None:
    assert [one["customer_id"] for one in found["examples"]] == ["c", "b", "a"]
    assert found["examples"][2]["reasons"] == [
        {"words": "silent 300 days", "direction": "raises"},
        {"words": "2 orders in the last 90 days", "direction": "lowers"},
    ]
    assert found["examples"][2]["value_at_risk"] == 10.25
