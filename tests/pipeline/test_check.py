"""The stage `check` as a whole: what stops it, what it says, and that it leaves nothing half-written."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from features.errors import ConfigError, DataError
from pipeline.check import check
from pipeline.paths import RAW
from pipeline.pull import pull
from pipeline.sources.pulled import Pulled
from tests.pipeline.shops import checked, column, counts, files_params, quarantine, write_csv

ORDERS = "order_id,customer_id,ordered_at,revenue"
GOOD = "1,a,2024-01-05T10:00:00Z,10"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_zone_the_run_stops_and_says_how_many_and_what_to_set() -> None:
    with pytest.raises(
        DataError,
        match=r"orders\.ordered_at: 2 of 3 times carry no zone \(first in row 2\)\. Set pull\.source_timezone",
    ):
        checked(orders=[ORDERS, GOOD, "2,a,2024-01-06 10:00,10", "3,a,2024-01-07,10"])


def test_with_a_declared_zone_the_same_times_are_read() -> None:
    checked("Europe/Berlin", orders=[ORDERS, GOOD, "2,a,2024-01-06 10:00,10", "3,a,2024-07-07,10"])
    assert column("orders", "ordered_at") == ["2024-01-05 10:00:00", "2024-01-06 09:00:00", "2024-07-06 22:00:00"]


def test_orders_without_any_customer_id_stop_the_run() -> None:
    with pytest.raises(DataError, match="none of the 2 rows of orders has a customer id"):
        checked(orders=[ORDERS, "1,,2024-01-05T10:00:00Z,10", "2,,2024-01-05T10:00:00Z,10"])


def test_orders_that_are_all_refused_stop_the_run_with_the_reasons() -> None:
    with pytest.raises(DataError, match="none of the 2 rows of orders is a valid order: 2 × zero-value order"):
        checked(orders=[ORDERS, "1,a,2024-01-05T10:00:00Z,0", "2,b,2024-01-05T10:00:00Z,0"])


def test_too_many_refused_rows_stop_the_run_with_the_top_reasons() -> None:
    with pytest.raises(
        DataError, match=r"2 of 3 rows of orders \(67%\) were refused, more than check\.max_quarantine_share \(50%\)"
    ):
        checked(orders=[ORDERS, GOOD, "2,a,2024-01-05T10:00:00Z,0", "3,,2024-01-05T10:00:00Z,1"], limit=0.5)


def test_a_check_that_stops_leaves_the_last_good_result_as_it_was() -> None:
    checked(orders=[ORDERS, GOOD])
    before = {path: path.read_bytes() for path in Path("data/clean").iterdir()}
    with pytest.raises(DataError, match="has a customer id"):
        checked(orders=[ORDERS, "1,,2024-01-05T10:00:00Z,10"])
    assert {path: path.read_bytes() for path in Path("data/clean").iterdir()} == before
    assert sorted(path.name for path in Path("data").iterdir()) == ["clean", "quarantine", "raw", "truth"]


def test_a_full_disk_or_memory_is_said_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise duckdb.OutOfMemoryException("Out of Memory Error: could not spill\nmore detail")

    checked(orders=[ORDERS, GOOD])
    before = Path("data/clean/orders.parquet").read_bytes()
    monkeypatch.setattr("pipeline.check.check_table", full)
    with pytest.raises(DataError, match=r"DuckDB cannot go on: Out of Memory Error: could not spill\. Free space"):
        check(files_params())
    assert Path("data/clean/orders.parquet").read_bytes() == before


def test_check_says_when_pull_has_not_run() -> None:
    with pytest.raises(DataError, match=r"pull\.json is not there; run `dvc repro`"):
        check(files_params())


def test_the_same_input_gives_the_same_bytes() -> None:
    lines = [ORDERS, *(f"{number},{number % 7},2024-01-05T10:00:00Z,{number}" for number in range(1, 400))]
    checked(orders=lines)
    outputs = [*Path("data").rglob("*.parquet"), Path("reports/quality.json")]
    before = {path: path.read_bytes() for path in outputs}
    checked(orders=lines)
    assert {path: path.read_bytes() for path in outputs} == before


def test_what_the_shop_does_not_have_is_listed() -> None:
    quality = checked("UTC", orders=["customer_id,ordered_at", "a,2024-01-05", "a,2024-02-05"])
    assert quality["absent"] == [
        "order_id",
        "revenue",
        "discount",
        "units",
        "order_items",
        "engagement",
        "customers",
        "time_of_day",
    ]
    assert column("orders", "revenue") == [None, None]
    assert any("dates without a time of day" in str(note) for note in quality["notes"])
    assert any("no order_id; it was built" in str(note) for note in quality["notes"])


def test_the_period_and_the_zone_are_reported() -> None:
    quality = checked(
        "Europe/London",
        orders=[ORDERS, GOOD],
        engagement=["event_id,customer_id,occurred_at,kind", "e,a,2024-06-06 10:00,session"],
    )
    assert quality["zone"] == "Europe/London"
    assert quality["period"] == {
        "first_event": "2024-01-05T10:00:00.000000Z",
        "last_event": "2024-06-06T09:00:00.000000Z",
    }


def test_local_times_in_a_clock_change_are_counted() -> None:
    quality = checked(
        "Europe/London", orders=[ORDERS, "1,a,2011-03-27 01:30,5", "2,a,2010-10-31 01:30,5", "3,a,2010-10-31 03:30,5"]
    )
    assert "orders: 1 local times fell into the hour that the clocks skipped" in str(quality["notes"])
    assert "orders: 1 local times fell into the hour that the clocks repeated" in str(quality["notes"])


@pytest.mark.parametrize(("buyer", "visitor"), [("007", "7"), ("7", "007")])
def test_an_id_that_lost_its_leading_zeros_is_reported_and_not_guessed(buyer: str, visitor: str) -> None:
    quality = checked(
        orders=[ORDERS, f"1,{buyer},2024-01-05T10:00:00Z,10"],
        engagement=["event_id,customer_id,occurred_at,kind", f"e,{visitor},2024-06-06T10:00Z,session"],
    )
    assert column("orders", "customer_id") == [buyer]
    assert column("engagement", "customer_id") == [visitor]
    assert "engagement: 1 customer ids match an order only after dropping leading zeros" in str(quality["notes"])


def test_rows_after_the_end_of_the_export_are_refused() -> None:
    write_csv(
        Path("orders.csv"),
        "order_id,customer_id,ordered_at,known_at,revenue",
        "1,a,2023-12-31T23:59:59Z,,10",
        "2,a,2024-01-01T00:00:00Z,,10",
        "3,a,2023-12-31T10:00:00Z,2024-01-03T00:00:00Z,10",
    )
    params = files_params(orders={"path": "orders.csv"})
    pull(params)
    Pulled.read(RAW).model_copy(update={"period_end": "2024-01-01"}).write(RAW)
    check(params.model_copy(update={"check": params.check.model_copy(update={"max_quarantine_share": 1.0})}))
    assert column("orders", "order_id") == ["1"]
    assert [(row[1], row[2], row[3]) for row in quarantine("orders")] == [
        (2, "ordered_at", "after the end of the export"),
        (3, "known_at", "after the end of the export"),
    ]


def test_lines_and_order_items_together_are_a_contradiction() -> None:
    with pytest.raises(ConfigError, match="orders already come as lines with products"):
        checked(
            orders=["order_id,customer_id,ordered_at,product_id,quantity,unit_price", "1,a,2024-01-05T10:00:00Z,p,1,5"],
            order_items=["order_id,product_id,quantity,unit_price", "1,p,1,5"],
        )


def test_every_row_is_kept_refused_or_a_duplicate() -> None:
    quality = checked(
        orders=[ORDERS, GOOD, GOOD, "2,,2024-01-05T10:00:00Z,10", "3,b,never,10", "4,b,2024-01-05T10:00:00Z,5"]
    )
    rows_in, kept, refused, duplicates = counts(quality, "orders")
    assert (rows_in, kept, refused, duplicates) == (5, 2, 2, 1)
    assert rows_in == kept + refused + duplicates
