"""Retention facts on six hand-written orders; expected values typed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.reporting.purchases import opened_purchases
from pipeline.reporting.retention import churn_by_cutoff, cohorts, early_spend, ladder
from tests.pipeline.reporting_inputs import OrderRow, write_history, write_orders

SIX: list[OrderRow] = [
    ("1", "a", "2024-01-05", "60"),
    ("2", "a", "2024-02-10", "20"),  # day 36: after the first 30 days, order 2 within a year
    ("3", "a", "2025-03-01", "99"),  # 385 days after order 2: not within a year of it
    ("4", "b", "2024-02-20", "20"),
    ("5", "b", "2024-03-01", "20"),  # day 10
    ("6", "c", "2025-05-01", "50"),  # its year is not over
]


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    return write_orders(tmp_path / "orders.parquet", SIX)


def test_the_ladder_counts_only_orders_whose_year_is_over(orders: Path) -> None:
    with opened_purchases(orders, "2025-06-01") as connection:
        assert ladder(connection, "2025-06-01") == [
            {"order": 1, "customers": 2, "continued": 2, "share": 1.0},
            {"order": 2, "customers": 2, "continued": 0, "share": 0.0},
        ]


def test_an_order_exactly_a_year_later_is_not_within_the_year(tmp_path: Path) -> None:
    path = write_orders(tmp_path / "o.parquet", [("1", "a", "2023-01-01", "1"), ("2", "a", "2024-01-01", "1")])
    with opened_purchases(path, "2024-06-01") as connection:
        assert ladder(connection, "2024-06-01") == [{"order": 1, "customers": 1, "continued": 0, "share": 0.0}]


def test_early_spend_is_the_first_30_days_part_of_the_first_year(orders: Path) -> None:
    with opened_purchases(orders, "2025-06-01") as connection:
        assert early_spend(connection, "2025-06-01") == {
            "customers": 2,
            "first_30_days": 100.0,
            "first_year": 120.0,
            "share": pytest.approx(100 / 120),
        }


def test_early_spend_is_left_out_without_revenue_or_without_a_whole_year(tmp_path: Path) -> None:
    bare = write_orders(tmp_path / "bare.parquet", [("1", "a", "2024-01-01", None)])
    young = write_orders(tmp_path / "young.parquet", [("1", "a", "2025-05-01", "5")])
    for path in (bare, young):
        with opened_purchases(path, "2025-06-01") as connection:
            assert early_spend(connection, "2025-06-01") is None


def test_a_cohort_row_is_the_share_that_ordered_in_each_later_month(orders: Path) -> None:
    with opened_purchases(orders, "2024-05-15") as connection:
        assert cohorts(connection, "2024-05-15") == {
            "months": 3,
            "earlier_left_out": 0,
            "strongest": 1.0,
            "rows": [
                {"month": "2024-01", "customers": 1, "shares": [1.0, 0.0, 0.0]},
                {"month": "2024-02", "customers": 1, "shares": [1.0, 0.0]},
            ],
        }


def test_a_running_month_belongs_to_no_cohort_row(orders: Path) -> None:
    with opened_purchases(orders, "2024-03-31") as connection:
        assert cohorts(connection, "2024-03-31")["rows"] == [{"month": "2024-01", "customers": 1, "shares": [1.0]}]


def test_cohorts_show_the_latest_24_and_say_how_many_are_left_out(tmp_path: Path) -> None:
    months = [f"{2022 + at // 12}-{at % 12 + 1:02d}-01" for at in range(1, 31)]  # February 2022 to July 2024
    rows: list[OrderRow] = [(str(at), f"c{at}", month, "1") for at, month in enumerate(months)]
    path = write_orders(tmp_path / "o.parquet", rows)
    with opened_purchases(path, "2024-08-01") as connection:
        found = cohorts(connection, "2024-08-01")
    assert (len(found["rows"]), found["earlier_left_out"], found["months"]) == (24, 5, 24)


def test_churn_is_counted_per_cutoff(tmp_path: Path) -> None:
    history = write_history(
        tmp_path / "history.parquet", [("a", "2025-02-01", 1), ("b", "2025-02-01", 0), ("a", "2025-01-01", 1)]
    )
    orders = write_orders(tmp_path / "o.parquet", [("1", "a", "2024-01-01", "1")])
    with opened_purchases(orders, "2026-01-01") as connection:
        assert churn_by_cutoff(connection, history) == [
            {"cutoff": "2025-01-01", "customers": 1, "churned": 1, "share": 1.0},
            {"cutoff": "2025-02-01", "customers": 2, "churned": 1, "share": 0.5},
        ]
