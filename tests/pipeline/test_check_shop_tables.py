"""What becomes of orders, items, events and customers; every table at most six hand-written rows."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.tables import SCHEMAS
from pipeline.check import check
from pipeline.files import read_json
from pipeline.pull import pull
from tests.pipeline.shops import checked, clean, column, counts, files_params, quarantine, write_csv

ORDERS = "order_id,customer_id,ordered_at,revenue"
EVENTS = "event_id,customer_id,occurred_at,kind,value"
GOOD = "1,a,2024-01-05T10:00:00Z,10"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def reasons(table: str) -> list[object]:
    return [row[3] for row in quarantine(table)]


def test_all_four_tables_exist_in_their_schema_even_when_the_shop_has_only_orders() -> None:
    checked(orders=[ORDERS, GOOD])
    for table, schema in SCHEMAS.items():
        assert pq.read_schema(f"data/clean/{table}.parquet").equals(schema), table
    assert len(clean("orders")) == 1
    assert len(clean("engagement")) == 0


def test_orders_are_sorted_by_known_at_then_id_so_that_the_file_grows_at_its_end() -> None:
    checked(
        orders=[
            "order_id,customer_id,ordered_at,known_at,revenue",
            "9,b,2024-01-01T00:00:00Z,,1",
            "3,a,2024-01-02T00:00:00Z,2024-01-09T00:00:00Z,1",
            "2,a,2024-01-03T00:00:00Z,,1",
            "1,a,2024-01-03T00:00:00Z,,1",
        ]
    )
    assert column("orders", "order_id") == ["9", "1", "2", "3"]


def test_known_at_is_the_time_of_occurrence_when_blank_and_never_before_it() -> None:
    quality = checked(
        orders=[
            "order_id,customer_id,ordered_at,known_at,revenue",
            "1,a,2024-01-05T10:00:00Z,,10",
            "2,b,2024-01-05T10:00:00Z,2024-01-07T00:00:00Z,10",
            "3,c,2024-01-05T10:00:00Z,2024-01-01T00:00:00Z,10",
        ]
    )
    assert column("orders", "order_id") == ["1", "3", "2"]
    assert column("orders", "known_at") == ["2024-01-05 10:00:00", "2024-01-05 10:00:00", "2024-01-07 00:00:00"]
    assert any("orders: 1 rows say they were known before they happened" in str(note) for note in quality["notes"])


@pytest.mark.parametrize(
    ("row", "refused_for", "where", "value"),
    [
        ("1,,2024-01-05T10:00:00Z,10", "no customer id", "customer_id", None),
        (",a,2024-01-05T10:00:00Z,10", "blank order_id", "order_id", None),
        ("1,a,,10", "blank ordered_at", "ordered_at", None),
        ("1,a,05.01.2024,10", "not a time", "ordered_at", "05.01.2024"),
        ("1,a,1970-01-01T00:00:00Z,10", "year before 1990", "ordered_at", "1970-01-01T00:00:00Z"),
        ("1,a,2999-01-01T00:00:00Z,10", "after 2100", "ordered_at", "2999-01-01T00:00:00Z"),
        ("1,a,2024-01-05T10:00:00Z,", "blank revenue", "revenue", None),
        ('1,a,2024-01-05T10:00:00Z,"12,50"', "not an amount", "revenue", "12,50"),
        ("1,a,2024-01-05T10:00:00Z,-5", "negative revenue", "revenue", "-5"),
        ("1,a,2024-01-05T10:00:00Z,0.00", "zero-value order", "revenue", "0.00"),
    ],
)
def test_a_bad_order_goes_to_quarantine_with_file_row_column_reason_and_value(
    row: str, refused_for: str, where: str, value: str | None
) -> None:
    quality = checked(orders=[ORDERS, "9,z,2024-01-01T10:00:00Z,1", row])
    ((file, number, in_column, reason, found),) = quarantine("orders")
    assert (file, number, in_column, found) == ("orders.csv", 2, where, value)
    assert refused_for in str(reason)
    assert counts(quality, "orders") == (2, 1, 1, 0)


def test_a_refused_row_is_kept_whole() -> None:
    checked(orders=[ORDERS, GOOD, "7,,2024-01-05T10:00:00Z,10"])
    row = pq.read_table("data/quarantine/orders.parquet").to_pylist()[0]["row"]
    whole = {"order_id": "7", "customer_id": None, "ordered_at": "2024-01-05T10:00:00Z", "revenue": "10"}
    assert json.loads(row) == whole


def test_guests_are_counted_and_nobody_is_invented() -> None:
    quality = checked(orders=[ORDERS, GOOD, "2,,2024-01-05T10:00:00Z,10", "3, ,2024-01-06T10:00:00Z,10"])
    assert quality["guests"] == 2
    assert column("orders", "customer_id") == ["a"]


def test_cancelled_and_test_orders_are_no_purchases() -> None:
    checked(
        orders=[
            ORDERS + ",status,is_test",
            GOOD + ",paid,no",
            "2,b,2024-01-05T10:00:00Z,10,Cancelled,no",
            "3,c,2024-01-05T10:00:00Z,10,paid,yes",
            "4,d,2024-01-05T10:00:00Z,10,test,no",
        ]
    )
    assert column("orders", "order_id") == ["1"]
    assert reasons("orders") == ["cancelled order", "test order", "test order"]


def test_an_order_that_overlapping_exports_repeat_counts_once() -> None:
    quality = checked(orders=[ORDERS, GOOD, "1,a,2024-01-05T10:00:00Z,10.00", "2,a,2024-02-05T10:00:00Z,10"])
    assert counts(quality, "orders") == (3, 2, 0, 1)


def test_the_later_row_of_an_order_wins_and_the_earlier_is_kept_in_quarantine() -> None:
    quality = checked(orders=[ORDERS, GOOD, "1,a,2024-01-05T10:00:00Z,8"])
    assert column("orders", "revenue") == ["8.0000"]
    assert reasons("orders") == ["another row with the same id came later"]
    assert counts(quality, "orders") == (2, 1, 1, 0)


def overlapping(**tables: list[list[str]]) -> dict[str, object]:
    """Each table as several exports, read by a glob."""
    for table, exports in tables.items():
        for number, lines in enumerate(exports):
            write_csv(Path(f"{table}-{number}.csv"), *lines)
    params = files_params(**{table: {"path": f"{table}-*.csv"} for table in tables})
    pull(params)
    check(params)
    return read_json(Path("reports/quality.json"))


def test_without_order_ids_two_like_rows_of_one_file_are_two_orders_and_of_two_files_one() -> None:
    header, row = "customer_id,ordered_at,revenue", "a,2024-01-05T10:00:00Z,10"
    quality = overlapping(orders=[[header, row, row], [header, row, row, "b,2024-02-05T10:00:00Z,10"]])
    assert counts(quality, "orders") == (5, 3, 0, 2)
    assert column("orders", "customer_id") == ["a", "a", "b"]
    assert len(set(column("orders", "order_id"))) == 3
    assert quality["absent"][0] == "order_id"  # type: ignore[index]


def test_an_id_that_was_built_stays_the_same_in_the_next_export() -> None:
    header, row = "customer_id,ordered_at,revenue", "a,2024-01-05T10:00:00Z,10"
    checked(orders=[header, row])
    before = column("orders", "order_id")
    checked(orders=[header, "b,2023-01-05T10:00:00Z,10", row])
    assert column("orders", "order_id")[1:] == before


def test_items_that_overlapping_exports_repeat_count_once() -> None:
    header, row = "order_id,product_id,quantity,unit_price", "1,007,1,5"
    quality = overlapping(orders=[[ORDERS, GOOD]], order_items=[[header, row, row], [header, row, row, "1,008,1,5"]])
    assert counts(quality, "order_items") == (5, 3, 0, 2)
    assert column("order_items", "product_id") == ["007", "007", "008"]


def test_an_event_that_a_provider_repeats_counts_once_and_the_first_known_stays() -> None:
    quality = checked(
        orders=[ORDERS, GOOD],
        engagement=[
            "event_id,customer_id,occurred_at,known_at,kind",
            "e,a,2024-01-06T10:00:00Z,2024-01-09T00:00:00Z,email_open",
            "e,a,2024-01-06T10:00:00Z,2024-01-07T00:00:00Z,email_open",
            "e,a,2024-01-06T10:00:00Z,2024-01-08T00:00:00Z,email_open",
        ],
    )
    assert counts(quality, "engagement") == (3, 1, 0, 2)
    assert column("engagement", "known_at") == ["2024-01-07 00:00:00"]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("e,a,2024-01-06T10:00:00Z,telepathy,", "unknown kind"),
        ("e,a,2024-01-06T10:00:00Z,,", "blank kind"),
        ("e,a,2024-01-06T10:00:00Z,refund,", "a refund needs an amount"),
        ("e,a,2024-01-06T10:00:00Z,refund,-5", "negative refund"),
        ("e,a,2024-01-06T10:00:00Z,review,", "a review needs 1 to 5"),
        ("e,a,2024-01-06T10:00:00Z,review,6", "a review needs 1 to 5"),
        ("e,a,2024-01-06T10:00:00Z,nps,11", "an NPS answer needs 0 to 10"),
        ("e,,2024-01-06T10:00:00Z,session,", "no customer id"),
    ],
)
def test_a_bad_event_goes_to_quarantine(event: str, reason: str) -> None:
    quality = checked(orders=[ORDERS, GOOD], engagement=[EVENTS, "f,a,2024-01-06T10:00:00Z,Refund,5", event])
    assert reason in str(reasons("engagement")[0])
    assert counts(quality, "engagement") == (2, 1, 1, 0)
    assert column("engagement", "kind") == ["refund"]


def test_a_machine_is_flagged_and_an_unflagged_event_is_a_persons() -> None:
    checked(
        orders=[ORDERS, GOOD],
        engagement=[
            "event_id,customer_id,occurred_at,kind,is_machine",
            "e,a,2024-01-06T10:00:00Z,email_open,1",
            "f,a,2024-01-07T10:00:00Z,email_open,",
        ],
    )
    assert column("engagement", "is_machine") == ["true", "false"]


def test_an_item_of_a_refused_order_is_refused_and_an_order_may_list_a_product_twice() -> None:
    quality = checked(
        orders=[ORDERS, GOOD, "2,,2024-01-05T10:00:00Z,10"],
        order_items=["order_id,product_id,quantity,unit_price", "1,007,1,5", "1,007,1,5", "2,008,1,5"],
    )
    assert column("order_items", "product_id") == ["007", "007"]
    assert reasons("order_items") == ["its order is not among the kept orders"]
    assert counts(quality, "order_items") == (3, 2, 1, 0)


def test_a_customer_whose_zone_or_consent_cannot_be_read_is_refused() -> None:
    quality = checked(
        orders=[ORDERS, GOOD],
        customers=[
            "customer_id,timezone,consent_email",
            "a,Europe/Berlin,true",
            "b,Mars/Olympus,true",
            "c,Europe/Berlin,perhaps",
        ],
    )
    assert reasons("customers") == ["unknown time zone", "not true or false"]
    assert counts(quality, "customers") == (3, 1, 2, 0)
