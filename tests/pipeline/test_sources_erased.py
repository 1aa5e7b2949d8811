"""Whoever was erased is in no table of a later pull, also when the source sends them again or the database is gone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from features.errors import ServingError
from pipeline.check import check
from pipeline.files import read_json
from pipeline.params import Params
from pipeline.pull import pull
from pipeline.sources.erased import canonical
from pipeline.sources.pulled import Pulled
from serving.erase import erase
from serving.inbox.database import INBOX_URL, open_database, writing
from serving.inbox.erased import erased_file
from serving.inbox.inbox import Inbox
from serving.inbox.marking import pulling
from serving.outbox.person import HOLDOUT_KEY
from serving.settings import Places
from tests.pipeline.shops import files_params, params_for, write_csv
from tests.serving.rows import event

NOW_US = 1_767_225_600_000_000


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(INBOX_URL, raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    Path("data/external").mkdir(parents=True)
    Path("params.yaml").write_text("dispatch: {endpoint_url: https://shop.example, destinations: {}}\n")
    write_csv(
        Path("orders.csv"),
        "order_id,customer_id,ordered_at,revenue",
        "1,007,2024-01-05T10:00:00Z,10",
        "2, 008 ,2024-01-06T10:00:00Z,20",
        "3,007,2024-01-07T10:00:00Z,30",
    )
    write_csv(Path("items.csv"), "order_id,product_id,quantity,unit_price", "1,p,1,10", "2,q,1,20", "3,p,1,30")
    write_csv(
        Path("visits.csv"),
        "event_id,customer_id,occurred_at,kind",
        "v1,007,2024-01-05T10:00:00Z,session",
        "v2,008,2024-01-05T10:00:00Z,session",
    )


def params() -> Params:
    return files_params(
        orders={"path": "orders.csv"}, order_items={"path": "items.csv"}, engagement={"path": "visits.csv"}
    )


def erase_one(name: str) -> None:
    erase(open_database("sqlite:///data/inbox.db"), Places(Path()), name, NOW_US)


def raw(table: str) -> pd.DataFrame:
    return pd.read_parquet(f"data/raw/{table}.parquet")


def test_their_rows_leave_every_table_and_the_others_stay(capsys: pytest.CaptureFixture[str]) -> None:
    erase_one("008")
    assert pull(params()) == "2 orders, 2 order_items, 1 engagement from files"
    assert raw("orders")["order_id"].tolist() == ["1", "3"]
    assert raw("orders")["source_row"].tolist() == [1, 3]
    assert raw("order_items")["order_id"].tolist() == ["1", "3"]
    assert raw("engagement")["customer_id"].tolist() == ["007"]
    assert Pulled.read(Path("data/raw")).tables["orders"].rows == 2
    told = capsys.readouterr().out
    assert "1 erased person(s): 3 rows of 2 of them left out of 3 table(s)" in told
    assert "008" not in told
    check(params())
    assert set(pd.read_parquet("data/clean/orders.parquet")["customer_id"]) == {"007"}


def test_what_the_endpoint_receives_of_them_later_stays_out_too() -> None:
    erase_one("008")
    Inbox.open(Path()).add([event("e1", "008"), event("e2", "007")])
    pull(params())
    assert sorted(raw("engagement")["event_id"]) == ["e2", "v1"]


def test_the_file_keeps_them_out_when_the_database_is_lost() -> None:
    erase_one("008")
    for file in Path("data").glob("inbox.db*"):
        file.unlink()
    pull(params())
    assert raw("orders")["order_id"].tolist() == ["1", "3"]


def test_a_pull_under_way_leaves_the_file_alone_and_the_next_one_writes_it() -> None:
    engine = open_database("sqlite:///data/inbox.db")
    with pulling(Path()):
        erase(engine, Places(Path()), "008", NOW_US)
    assert not erased_file(Path()).exists()
    pull(params())
    assert len(read_json(erased_file(Path()))["persons"]) == 1
    assert "008" not in erased_file(Path()).read_text()


def test_the_demo_shops_truth_loses_them_too() -> None:
    demo = params_for(source="demo", demo={"seed": 7, "customers": 50, "years": 3, "end": "2026-01-01"})
    pull(demo)
    before = {path: path.read_bytes() for path in Path("data/raw").glob("*.parquet")}
    name = str(raw("orders")["customer_id"].dropna().iloc[0])
    erase_one(name)
    pull(demo)
    for path in [*Path("data/raw").glob("*.parquet"), *Path("data/truth").glob("*.parquet")]:
        table = pd.read_parquet(path)
        assert "customer_id" not in table or name not in set(table["customer_id"]), path
    assert before[Path("data/raw/orders.parquet")] != Path("data/raw/orders.parquet").read_bytes()
    once = {path: path.read_bytes() for path in Path("data/raw").glob("*.parquet")}
    pull(demo)
    assert {path: path.read_bytes() for path in Path("data/raw").glob("*.parquet")} == once


def test_without_an_erasure_the_bytes_are_as_ever_and_there_is_no_file() -> None:
    pull(params())
    without_inbox = raw("orders")
    Inbox.open(Path())
    pull(params())
    assert raw("orders").equals(without_inbox)
    assert not erased_file(Path()).exists()


def test_a_list_that_cannot_be_read_stops_the_pull(monkeypatch: pytest.MonkeyPatch) -> None:
    erase_one("008")
    monkeypatch.setenv(HOLDOUT_KEY, "another key")
    with pytest.raises(ServingError, match=r"another \$REKINDLE_HOLDOUT_KEY"):
        pull(params())
    monkeypatch.delenv(HOLDOUT_KEY)
    erased_file(Path()).write_text("{}")
    with pytest.raises(ServingError, match="nobody knows who was erased"):
        pull(params())


def test_a_database_without_the_list_stops_the_pull() -> None:
    with writing(open_database("sqlite:///data/inbox.db")) as connection:
        connection.execute(sa.text("DROP TABLE erasures"))
    with pytest.raises(ServingError, match="does not answer"):
        pull(params())


@pytest.mark.parametrize(("value", "name"), [(17850.0, "17850"), (" 007 ", "007"), (12, "12"), ("c1", "c1")])
def test_an_id_is_known_as_check_will_spell_it(value: object, name: str) -> None:
    assert canonical(value) == name
