"""Order value and value to date on hand-written orders; expected values typed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.reporting.purchases import opened_purchases
from pipeline.reporting.worth import order_value, value_to_date
from tests.pipeline.reporting_inputs import OrderRow, write_orders

FOUR: list[OrderRow] = [
    ("1", "a", "2024-01-05", "60.50"),
    ("2", "a", "2024-02-10", "20"),
    ("3", "b", "2024-02-20", "10"),
    ("4", "c", "2024-03-01", "9.50"),
]


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    return write_orders(tmp_path / "orders.parquet", FOUR)


def test_order_value_has_mean_quantiles_and_bins_that_add_up(orders: Path) -> None:
    with opened_purchases(orders, "2025-06-01") as connection:
        found = order_value(connection)
    assert found is not None
    assert (found["mean"], found["median"], found["lower_decile"], found["upper_decile"]) == (25.0, 10.0, 9.5, 60.5)
    assert sum(bar["orders"] for bar in found["bins"]) == found["orders"] == 4
    assert [(bar["low"], bar["high"], bar["orders"]) for bar in found["bins"] if bar["orders"]] == [
        (5.0, 10.0, 1),
        (10.0, 15.0, 1),
        (20.0, 25.0, 1),
        (60.0, 65.0, 1),
    ]


def test_the_last_bin_is_open_and_takes_the_largest_orders(tmp_path: Path) -> None:
    rows: list[OrderRow] = [(str(at), "a", "2024-01-05", "20") for at in range(99)]
    path = write_orders(tmp_path / "o.parquet", [*rows, ("x", "a", "2024-01-06", "5000")])
    with opened_purchases(path, "2025-06-01") as connection:
        found = order_value(connection)
    assert found is not None
    assert found["bins"][-1] == {"low": 20.0, "high": None, "orders": 100, "share": 1.0}


def test_value_to_date_of_a_tiny_shop_goes_customer_by_customer(orders: Path) -> None:
    with opened_purchases(orders, "2025-06-01") as connection:
        found = value_to_date(connection)
    assert found is not None
    assert (found["customers"], found["median"], found["top_decile_share"]) == (3, 10.0, 0.805)
    assert [tenth["cumulative"] for tenth in found["deciles"]] == pytest.approx([0.805, 0.905, 1.0])


def test_the_top_tenth_of_twenty_customers_is_two_customers(tmp_path: Path) -> None:
    rows: list[OrderRow] = [(str(at), f"c{at}", "2024-01-05", "40" if at < 2 else "1") for at in range(20)]
    path = write_orders(tmp_path / "o.parquet", rows)
    with opened_purchases(path, "2025-06-01") as connection:
        found = value_to_date(connection)
    assert found is not None
    assert found["deciles"][0] == {
        "decile": 1,
        "customers": 2,
        "revenue": 80.0,
        "share": pytest.approx(80 / 98),
        "cumulative": pytest.approx(80 / 98),
    }
    assert found["deciles"][-1]["cumulative"] == 1.0


def test_money_facts_are_left_out_without_revenue(tmp_path: Path) -> None:
    path = write_orders(tmp_path / "o.parquet", [("1", "a", "2024-01-05", None)])
    with opened_purchases(path, "2025-06-01") as connection:
        assert order_value(connection) is None
        assert value_to_date(connection) is None
