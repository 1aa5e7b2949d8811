"""Clean tables become the engine's records without losing a cent or a microsecond."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataError
from features.kinds import KINDS
from features.tables import CUSTOMERS, ENGAGEMENT, ORDER_ITEMS, ORDERS
from pipeline.event_log import absent, read_records


def moment(day: int, microsecond: int = 0) -> datetime:
    return datetime(2025, 1, day, microsecond=microsecond, tzinfo=UTC)


def order(order_id: str, customer_id: str, day: int, revenue: str | None = "1") -> dict[str, object]:
    money = None if revenue is None else Decimal(revenue)
    return dict.fromkeys(ORDERS.names) | {
        "order_id": order_id,
        "customer_id": customer_id,
        "ordered_at": moment(day),
        "known_at": moment(day, 7),
        "revenue": money,
    }


def event(customer_id: str, kind: str, value: str | None = None, machine: bool = False) -> dict[str, object]:
    return dict.fromkeys(ENGAGEMENT.names) | {
        "event_id": f"{customer_id}{kind}{machine}",
        "customer_id": customer_id,
        "occurred_at": moment(3),
        "known_at": moment(4),
        "kind": kind,
        "value": None if value is None else Decimal(value),
        "is_machine": machine,
    }


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    orders = [order("o2", "b", 2, "12345678901234.5678"), order("o1", "a", 1, "0.1"), order("o3", "b", 5)]
    engagement = [
        event("b", "refund", "2.5"),
        event("b", "email_open", machine=True),
        event("nobody", "session"),
        event("a", "session"),
    ]
    items = [
        {"order_id": "o3", "product_id": "p", "category": None, "quantity": 2.0, "unit_price": None},
        {"order_id": "refused", "product_id": "p", "category": None, "quantity": 1.0, "unit_price": None},
    ]
    for name, schema, rows in (
        ("orders", ORDERS, orders),
        ("engagement", ENGAGEMENT, engagement),
        ("order_items", ORDER_ITEMS, items),
        ("customers", CUSTOMERS, []),
    ):
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), tmp_path / f"{name}.parquet")
    return tmp_path


def test_money_and_time_stay_exact(clean: Path) -> None:
    records = read_records(clean)
    assert records.customer_ids == ("a", "b")
    assert records.orders["customer"].tolist() == [1, 0, 1]
    assert records.orders["revenue"].tolist() == [123456789012345678, 1000, 10000]
    assert records.orders["time"][1] == round(moment(1).timestamp()) * 1_000_000 + 7


def test_engagement_is_human_of_known_customers_and_uses_the_time_it_was_known(clean: Path) -> None:
    engagement = read_records(clean).engagement
    assert [KINDS[code] for code in engagement["kind"]] == ["refund", "session"]
    assert engagement["value"].tolist() == [25000, 0]
    assert set(engagement["time"]) == {round(moment(4).timestamp()) * 1_000_000}


def test_items_point_at_their_order_and_orphans_are_left_out(clean: Path) -> None:
    items = read_records(clean).items
    assert items["order"].tolist() == [2]
    assert items["quantity"].tolist() == [20000]


def test_absent_names_what_never_occurs(clean: Path) -> None:
    missing = absent(clean)
    assert {"discount", "units", "email_sent", "touch"} <= missing
    assert not {"revenue", "session", "engagement", "order_items"} & missing


def test_without_any_sign_of_interest_engagement_is_absent(clean: Path) -> None:
    pq.write_table(pa.Table.from_pylist([event("a", "refund", "1")], schema=ENGAGEMENT), clean / "engagement.parquet")
    assert "engagement" in absent(clean)


def test_a_kind_nobody_knows_is_said_with_the_customer_and_the_nearest_kind(clean: Path) -> None:
    rows = [event("a", "session"), event("b", "refnud", "1")]
    pq.write_table(pa.Table.from_pylist(rows, schema=ENGAGEMENT), clean / "engagement.parquet")
    told = r"engagement of customer 'b', known at 2025-01-04 .* has the kind 'refnud'.*did you mean 'refund'\?"
    with pytest.raises(DataError, match=told):
        read_records(clean)


def test_no_orders_at_all_is_said(clean: Path) -> None:
    pq.write_table(ORDERS.empty_table(), clean / "orders.parquet")
    with pytest.raises(DataError, match="has no orders"):
        read_records(clean)


def test_an_order_without_revenue_counts_as_nothing(clean: Path) -> None:
    rows = [order("o1", "a", 1, None), order("o2", "a", 2, "3")]
    pq.write_table(pa.Table.from_pylist(rows, schema=ORDERS), clean / "orders.parquet")
    np.testing.assert_array_equal(read_records(clean).orders["revenue"], [0, 30000])
