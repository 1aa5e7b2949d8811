"""What the endpoint received is in the next pull: once, beside the source's own rows, in any type the source has."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pandas as pd
import pytest

from pipeline.check import check
from pipeline.files import read_json
from pipeline.pull import pull
from serving.inbox.database import INBOX_URL
from serving.inbox.inbox import Inbox
from serving.inbox.marking import QUIET_SECONDS, mark_file, offer_mark, pulling
from tests.pipeline.shops import files_params, params_for, write_csv
from tests.serving.rows import event, order

HEADER = "order_id,customer_id,ordered_at,revenue"
ROW = "1,007,2024-01-05T10:00:00Z,10"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(INBOX_URL, raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    Path("data/external").mkdir(parents=True)
    write_csv(Path("orders.csv"), HEADER, ROW)


def received(*rows: object) -> Inbox:
    inbox = Inbox.open(Path())
    inbox.add(rows)  # type: ignore[arg-type]
    return inbox


def clean(table: str) -> pd.DataFrame:
    return pd.read_parquet(f"data/clean/{table}.parquet")


def test_received_rows_join_those_of_the_source() -> None:
    received(event("e1", "007"), order("2", "007", order_items=[{"product_id": "p", "quantity": 2.0}]))
    params = files_params(orders={"path": "orders.csv"})
    assert pull(params) == "2 orders, 1 order_items, 1 engagement from files"
    check(params)
    orders = clean("orders").sort_values("order_id")
    assert orders["order_id"].tolist() == ["1", "2"]
    assert orders["revenue"].astype(float).tolist() == [10.0, 10.0]
    assert orders["ordered_at"].tolist() == [pd.Timestamp("2024-01-05 10:00Z"), pd.Timestamp("2023-11-14 22:13:20Z")]
    assert clean("engagement")["event_id"].tolist() == ["e1"]
    assert clean("order_items")[["order_id", "product_id"]].to_numpy().tolist() == [["2", "p"]]
    raw = pd.read_parquet("data/raw/orders.parquet")
    assert raw["source_file"].tolist() == ["orders.csv", "received"]


def test_the_sources_own_row_counts_once_it_is_there() -> None:
    received(order("1", "007", revenue=99.0, order_items=[{"product_id": "p", "quantity": 2.0}]), order("2", "007"))
    params = files_params(orders={"path": "orders.csv"})
    assert pull(params) == "2 orders, 0 order_items from files"
    check(params)
    assert clean("orders").sort_values("order_id")["revenue"].astype(float).tolist() == [10.0, 10.0]
    assert len(clean("order_items")) == 0


def test_a_source_without_ids_takes_them_too() -> None:
    write_csv(Path("orders.csv"), "customer_id,ordered_at,revenue", "007,2024-01-05,10")
    received(order("2", "007"))
    params = files_params("Europe/Berlin", orders={"path": "orders.csv"})
    pull(params)
    check(params)
    assert sorted(clean("orders")["ordered_at"]) == [
        pd.Timestamp("2023-11-14 22:13:20Z"),
        pd.Timestamp("2024-01-04 23:00Z"),
    ]


def test_a_source_of_lines_takes_whole_orders_beside_them() -> None:
    header = "order_id,customer_id,ordered_at,product_id,quantity,unit_price"
    write_csv(Path("orders.csv"), header, "1,007,2024-01-05T10:00:00Z,p,2,5")
    item = {"product_id": "p", "quantity": 2.0}
    received(order("2", "007", order_items=[item]), order("1", "007", revenue=99.0))
    params = files_params(orders={"path": "orders.csv"})
    pull(params)
    check(params)
    assert clean("orders").sort_values("order_id")["order_id"].tolist() == ["1", "2"]
    assert clean("orders")["revenue"].astype(float).tolist() == [10.0, 10.0]


def test_the_demo_shops_typed_tables_take_them() -> None:
    received(event("e1", "c000001", value=1.5), order("new", "c000001"))
    params = params_for(source="demo", demo={"seed": 7, "customers": 50, "years": 3, "end": "2026-01-01"})
    pull(params)
    check(params)
    assert {"e1"} <= set(clean("engagement")["event_id"])
    assert {"new"} <= set(clean("orders")["order_id"])


def test_the_same_inbox_gives_the_same_bytes_and_the_same_mark() -> None:
    received(*(event(str(number)) for number in range(100)), order("2"))
    params = files_params(orders={"path": "orders.csv"})
    pull(params)
    files = [*Path("data/raw").iterdir(), mark_file(Path())]
    before = [path.read_bytes() for path in files]
    stamp = mark_file(Path()).stat().st_mtime_ns
    pull(params)
    assert [path.read_bytes() for path in files] == before
    assert mark_file(Path()).stat().st_mtime_ns == stamp


def test_without_an_inbox_pull_makes_none_and_leaves_no_mark() -> None:
    pull(files_params(orders={"path": "orders.csv"}))
    assert not list(Path("data").glob("inbox*"))
    assert not list(Path("data/external").iterdir())
    received()
    pull(files_params(orders={"path": "orders.csv"}))
    assert not list(Path("data/external").iterdir())


def test_the_mark_waits_while_a_pull_runs_and_while_dvc_looks() -> None:
    inbox = received(event("1"))
    with pulling(Path()):
        assert not offer_mark(Path(), inbox.mark())
    assert not offer_mark(Path(), inbox.mark())
    past = time.time() - QUIET_SECONDS - 1
    os.utime("data/.pull.lock", (past, past))
    assert offer_mark(Path(), inbox.mark())
    assert read_json(mark_file(Path()))["last"] == 1


@pytest.mark.parametrize(
    ("known", "end", "late"),
    [
        ([], "2026-01-01", 0),
        (["2025-12-30T10:00:00+00:00"], "2026-01-01", 0),
        (["2026-01-01T09:30:00+00:00"], "2026-01-02", 0),
        (["2026-01-01T09:30:00+00:00", "2026-01-07T23:59:00+00:00"], "2026-01-08", 0),
        (["2026-01-02T09:30:00+00:00", "2026-01-08T00:00:00+00:00"], "2026-01-03", 1),
        (["2026-11-22T09:30:00+00:00"], "2026-01-01", 1),
    ],
)
def test_the_demo_shops_world_goes_on_a_few_days_for_what_is_received(known: list[str], end: str, late: int) -> None:
    """Longer would be a silence that makes everybody look lost."""
    names = [f"e{each}" for each in known]
    rows = (event(f"e{each}", "c0000001", occurred_at=each, known_at=each) for each in known)
    if known:
        received(
            *(
                row._replace(known_at_us=pd.Timestamp(each).value // 1_000)
                for row, each in zip(rows, known, strict=True)
            )
        )
    params = params_for(source="demo", demo={"customers": 60, "years": 2, "end": "2026-01-01", "seed": 5})
    pull(params)
    assert read_json(Path("data/raw/pull.json"))["period_end"] == end
    check(params)
    refused = pd.read_parquet("data/quarantine/engagement.parquet")
    assert int((refused["source_file"] == "received").sum()) == late
    assert int(clean("engagement")["event_id"].isin(names).sum()) == len(known) - late
