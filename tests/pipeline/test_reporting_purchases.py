"""The numbered purchases: hand-written orders."""

from __future__ import annotations

from pathlib import Path

from pipeline.reporting.purchases import DAY_US, epoch_us, opened_purchases, share
from tests.pipeline.reporting_inputs import write_orders

NUMBERED = """
SELECT customer_id, number, at_us, first_us, next_us FROM purchases ORDER BY customer_id, number
"""


def test_purchases_are_numbered_per_customer_and_know_their_first_and_next(tmp_path: Path) -> None:
    orders = write_orders(
        tmp_path / "orders.parquet",
        [("1", "a", "2025-01-01", "10"), ("3", "a", "2025-01-04", "30"), ("2", "b", "2025-01-02", "20")],
    )
    start = epoch_us("2025-01-01")
    with opened_purchases(orders, "2026-01-01") as connection:
        found = connection.execute(NUMBERED).fetchall()
    assert found == [
        ("a", 1, start, start, start + 3 * DAY_US),
        ("a", 2, start + 3 * DAY_US, start, None),
        ("b", 1, start + DAY_US, start + DAY_US, None),
    ]


def test_an_order_without_money_is_no_purchase(tmp_path: Path) -> None:
    orders = write_orders(
        tmp_path / "orders.parquet",
        [("1", "a", "2025-01-01", "10"), ("2", "a", "2025-01-02", "0"), ("3", "a", "2025-01-03", "-4")],
    )
    with opened_purchases(orders, "2026-01-01") as connection:
        assert connection.execute("SELECT count(*), max(next_us) FROM purchases").fetchall() == [(1, None)]


def test_a_shop_without_revenue_counts_every_order(tmp_path: Path) -> None:
    orders = write_orders(tmp_path / "orders.parquet", [("1", "a", "2025-01-01", None), ("2", "a", "2025-01-02", None)])
    with opened_purchases(orders, "2026-01-01") as connection:
        assert connection.execute("SELECT count(*) FROM purchases").fetchall() == [(2,)]


def test_an_order_known_at_as_of_is_not_seen(tmp_path: Path) -> None:
    orders = write_orders(tmp_path / "orders.parquet", [("1", "a", "2025-01-01", "1"), ("2", "a", "2025-01-02", "1")])
    with opened_purchases(orders, "2025-01-02") as connection:
        assert connection.execute("SELECT count(*) FROM purchases").fetchall() == [(1,)]


def test_epoch_us_takes_a_time_without_zone_as_utc() -> None:
    assert epoch_us("1970-01-02") == DAY_US
    assert epoch_us("1970-01-01T02:00:00+01:00") == DAY_US // 24


def test_share_of_nothing_is_none() -> None:
    assert share(1, 4) == 0.25
    assert share(0, 0) is None
