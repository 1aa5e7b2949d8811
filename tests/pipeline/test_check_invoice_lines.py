"""Invoice lines become orders, items and cancellations; by hand, and with the published figures of the real ones."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from features.errors import SourceError
from pipeline.check import check
from pipeline.files import read_json
from pipeline.pull import pull
from pipeline.sources.online_retail_ii import located
from tests.pipeline.shops import checked, clean, column, counts, params_for, quarantine, write_csv

HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
LINE = "1,22041,FRAME,2,2010-01-05 10:00:00,2.10,13085,UK"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def retail(*lines: str) -> dict[str, object]:
    path = write_csv(Path("retail.csv"), HEADER, *lines)
    params = params_for(source="online_retail_ii", online_retail_ii={"path": str(path)})
    pull(params)
    check(params.model_copy(update={"check": params.check.model_copy(update={"max_quarantine_share": 1.0})}))
    return read_json(Path("reports/quality.json"))


def test_an_order_sums_its_lines_and_starts_with_the_earliest() -> None:
    retail(LINE, "1,85048,BALL,3,2010-01-05 10:02:00,1.50,13085,UK")
    (order,) = clean("orders").to_dict("records")
    assert order["revenue"] == "8.7000"
    assert order["units"] == "5.0"
    assert (order["ordered_at"], order["known_at"]) == ("2010-01-05 10:00:00", "2010-01-05 10:02:00")
    assert column("order_items", "product_id") == ["22041", "85048"]


def test_summer_invoices_are_read_in_london_time() -> None:
    retail("1,22041,FRAME,2,2010-07-05 10:00:00,2.10,13085,UK")
    assert column("orders", "ordered_at") == ["2010-07-05 09:00:00"]


def test_a_cancellation_is_one_event_of_its_own_time_with_the_money_given_back() -> None:
    quality = retail(
        LINE,
        "C2,22041,FRAME,-1,2010-02-01 09:00:00,2.10,13085,UK",
        "C2,85048,BALL,-2,2010-02-01 09:00:00,1.50,13085,UK",
    )
    (event,) = clean("engagement").to_dict("records")
    assert event["event_id"] == "cancellation-C2-13085"
    assert (event["kind"], event["value"], event["subject"]) == ("cancellation", "5.1000", "C2")
    assert event["occurred_at"] == "2010-02-01 09:00:00"
    assert column("orders", "revenue") == ["4.2000"]
    assert quality["lines_to"] == {"item_lines": 1, "cancellation_lines": 2}


def test_carriage_stays_out_of_items_and_revenue_unless_there_is_nothing_else() -> None:
    quality = retail(
        LINE,
        "1,POST,POSTAGE,1,2010-01-05 10:00:00,18,13085,UK",
        "3,M,Manual,1,2010-01-06 10:00:00,7.5,13086,UK",
    )
    assert column("orders", "revenue") == ["4.2000", "7.5000"]
    assert column("order_items", "product_id") == ["22041", "M"]
    assert quality["lines_to"] == {"item_lines": 1, "service_lines": 2}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2,22041,FRAME,2,2010-01-05 10:00:00,2.10,,UK", "no customer id"),
        ("A2,B,Adjust bad debt,1,2010-01-05 10:00:00,-99,,UK", "bad-debt adjustment"),
        ("2,TEST001,This is a test product.,5,2010-01-05 10:00:00,4.5,13085,UK", "test product"),
        ("2,22041,FRAME,2,2010-01-05 10:00:00,0,13085,UK", "price of zero"),
        ("2,22041,FRAME,2,2010-01-05 10:00:00,-1,13085,UK", "negative price"),
        ("2,22041,FRAME,0,2010-01-05 10:00:00,1,13085,UK", "quantity of zero"),
        ("C2,22041,FRAME,1,2010-01-05 10:00:00,1,13085,UK", "cancellation with a positive quantity"),
        ("2,22041,FRAME,two,2010-01-05 10:00:00,1,13085,UK", "not an amount such as 1234.50"),
        ("2,22041,FRAME,2,yesterday,1,13085,UK", "not a time such as 2025-10-01 or 2025-10-01T12:30:00+01:00"),
        ("1,22042,BOX,2,2010-01-05 10:00:00,1,13099,UK", "its order id belongs to another customer"),
    ],
)
def test_a_line_that_is_no_purchase_is_refused_with_its_reason(line: str, reason: str) -> None:
    quality = retail(LINE, line)
    assert [row[3] for row in quarantine("lines")] == [reason]
    assert counts(quality, "lines") == (2, 1, 1, 0)
    assert len(clean("orders")) == 1


def test_a_customer_number_that_became_a_float_is_the_same_customer() -> None:
    retail(LINE, "2,22041,FRAME,2,2010-01-06 10:00:00,2.10,13085.0,UK")
    assert column("orders", "customer_id") == ["13085", "13085"]


def test_lines_of_any_shop_are_summed_and_repeats_of_an_overlapping_export_go() -> None:
    header = "order_id,customer_id,ordered_at,product_id,quantity,unit_price"
    first, second = "1,a,2024-01-05T10:00:00Z,p,1,5", "2,a,2024-02-05T10:00:00Z,q,-1,5"
    write_csv(Path("lines-1.csv"), header, first, first, second)
    write_csv(Path("lines-2.csv"), header, first, second, "C3,b,2024-03-05T10:00:00Z,S,2,5")
    files = {name: {"path": None, "columns": {}} for name in ("order_items", "engagement", "customers")}
    params = params_for(source="files", files=files | {"orders": {"path": "lines-*.csv", "columns": {}}})
    pull(params)
    check(params)
    quality = read_json(Path("reports/quality.json"))
    facts = quality["facts"]
    assert isinstance(facts, dict)
    assert (facts["overlap_lines"], facts["repeated_lines"]) == (2, 1)
    assert counts(quality, "lines") == (6, 3, 0, 3)
    # C3 and S are a house style of Online Retail II, not of every shop.
    assert column("orders", "order_id") == ["1", "C3"]
    assert column("engagement", "subject") == ["2"]
    assert "engagement" in quality["absent"]  # a cancellation alone says nothing of visits or e-mails


def test_lines_without_an_order_id_make_one_order_per_customer_and_moment() -> None:
    quality = checked(
        orders=[
            "customer_id,ordered_at,product_id,quantity,unit_price",
            "a,2024-01-05T10:00:00Z,p,1,5",
            "a,2024-01-05T10:00:00Z,q,1,3",
            "a,2024-01-06T10:00:00Z,q,1,3",
        ]
    )
    assert column("orders", "revenue") == ["8.0000", "3.0000"]
    assert "order_id" in quality["absent"]


def test_cancellations_of_lines_stand_beside_the_shops_own_events() -> None:
    quality = checked(
        orders=[
            "order_id,customer_id,ordered_at,product_id,quantity,unit_price",
            "1,a,2024-01-05T10:00:00Z,p,1,5",
            "2,a,2024-01-07T10:00:00Z,p,-1,5",
        ],
        engagement=["event_id,customer_id,occurred_at,kind", "e,a,2024-01-06T10:00:00Z,session"],
    )
    assert column("engagement", "kind") == ["session", "cancellation"]
    assert counts(quality, "engagement") == (2, 2, 0, 0)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """quality.json of the real workbook."""
    params = params_for(source="online_retail_ii")
    try:
        located(params.pull.online_retail_ii)
    except SourceError:
        pytest.skip("the Online Retail II file is not on this machine; put it into data/external/ to run this test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONLINE_RETAIL_II", str(located(params.pull.online_retail_ii).resolve()))
        patch.chdir(tmp_path_factory.mktemp("online_retail_ii"))
        pull(params)
        check(params)
        figures = read_json(Path("reports/quality.json"))
        with duckdb.connect() as connection:
            buyers = "SELECT count(DISTINCT customer_id) FROM 'data/clean/orders.parquet'"
            figures["buyers"] = connection.execute(buyers).fetchall()[0][0]
    return figures


@pytest.mark.parametrize(
    ("fact", "figure"),
    [
        ("lines", 1_067_371),
        ("lines_without_customer", 243_007),
        ("customers", 5_942),
        ("customers_with_purchase", 5_878),
        ("cancellation_lines", 19_494),
        ("overlap_lines", 22_523),
    ],
)
def test_the_published_figures_come_out(published: dict[str, object], fact: str, figure: int) -> None:
    facts = published["facts"]
    assert isinstance(facts, dict)
    assert facts[fact] == figure


def test_everybody_with_a_published_purchase_has_an_order(published: dict[str, object]) -> None:
    assert published["buyers"] == 5_878
    assert published["guests"] == 243_007


def test_every_published_line_is_accounted_for(published: dict[str, object]) -> None:
    rows_in, kept, refused, duplicates = counts(published, "lines")
    assert rows_in == 1_067_371 == kept + refused + duplicates
    became, facts = published["lines_to"], published["facts"]
    assert isinstance(became, dict)
    assert isinstance(facts, dict)
    assert sum(became.values()) == kept
    assert facts["overlap_lines"] + facts["repeated_lines"] == duplicates
