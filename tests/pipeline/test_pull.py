"""The stage `pull`: which source it asks, what `pull.json` says, and that a failed pull changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import SourceError
from pipeline.files import read_json
from pipeline.pull import absent, pull
from tests.pipeline.shops import files_params, params_for, write_csv

HEADER = "order_id,customer_id,ordered_at,revenue"
ROW = "1,007,2024-01-05,10"
DEMO = {"seed": 7, "customers": 50, "years": 1, "end": "2026-01-01"}


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_pull_json_says_what_was_found() -> None:
    write_csv(Path("orders.csv"), HEADER, ROW)
    assert pull(files_params("Europe/Berlin", orders={"path": "orders.csv"})) == "1 orders from files"
    assert read_json(Path("data/raw/pull.json")) == {
        "source": "files",
        "zone": "Europe/Berlin",
        "tables": {"orders": {"rows": 1, "columns": ["order_id", "customer_id", "ordered_at", "revenue"]}},
        "absent": ["discount", "units", "order_items", "engagement", "customers"],
        "period_end": None,
    }


def test_a_source_without_known_truth_says_so_in_its_folder() -> None:
    write_csv(Path("orders.csv"), HEADER, ROW)
    pull(files_params(orders={"path": "orders.csv"}))
    assert "only the demo shop writes it here" in Path("data/truth/README.txt").read_text(encoding="utf-8")


def test_the_demo_shop_writes_its_truth_apart_and_knows_its_end() -> None:
    pull(params_for(source="demo", demo=DEMO))
    assert sorted(path.stem for path in Path("data/raw").glob("*.parquet")) == [
        "customers",
        "engagement",
        "order_items",
        "orders",
    ]
    assert read_json(Path("data/raw/pull.json"))["period_end"] == "2026-01-01"
    assert list(Path("data/truth").glob("*.parquet"))
    assert not Path("data/truth/README.txt").exists()


def test_online_retail_is_london_time_unless_params_say_otherwise() -> None:
    header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
    write_csv(Path("retail.csv"), header, "1,22041,FRAME,2,2010-01-05 10:00:00,2.10,13085,UK")
    for zone, expected in ((None, "Europe/London"), ("UTC", "UTC")):
        named = {"path": "retail.csv"}
        pull(params_for(source="online_retail_ii", source_timezone=zone, online_retail_ii=named))
        assert read_json(Path("data/raw/pull.json"))["zone"] == expected


def test_a_pull_that_fails_half_way_leaves_the_last_one_as_it_was() -> None:
    write_csv(Path("orders.csv"), HEADER, ROW)
    pull(files_params(orders={"path": "orders.csv"}))
    before = {path: path.read_bytes() for path in Path("data").rglob("*") if path.is_file()}
    with pytest.raises(SourceError, match=r"there is no file 'engagement\.csv'"):
        pull(files_params(orders={"path": "orders.csv"}, engagement={"path": "engagement.csv"}))
    assert {path: path.read_bytes() for path in Path("data").rglob("*") if path.is_file()} == before


def test_the_same_source_gives_the_same_bytes() -> None:
    write_csv(Path("orders.csv"), HEADER, *(f"{n},{n % 5},2024-01-05,{n}" for n in range(500)))
    pull(files_params(orders={"path": "orders.csv"}))
    before = Path("data/raw/orders.parquet").read_bytes()
    pull(files_params(orders={"path": "orders.csv"}))
    assert Path("data/raw/orders.parquet").read_bytes() == before


def test_lines_bring_their_own_revenue_units_and_items() -> None:
    lines = ["customer_id", "ordered_at", "product_id", "quantity", "unit_price"]
    assert absent({"lines": lines}) == ["order_id", "discount", "engagement", "customers"]
