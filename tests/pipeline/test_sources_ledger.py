"""Committed decisions reach the clean tables with their chances and deliveries; without any there is no trace."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.check import check
from pipeline.files import read_json
from pipeline.params import Params
from pipeline.pull import pull
from pipeline.sources.ledger import export_decisions
from serving.inbox.database import INBOX_URL, writing
from serving.inbox.inbox import Inbox
from serving.inbox.marking import mark_file, write_mark
from serving.outbox.tables import DECISIONS
from tests.pipeline.ledger_rows import DAY_US, Decided, commit_run
from tests.pipeline.shops import files_params, write_csv
from tests.serving.rows import event

AT_US = 1_704_499_200_000_000  # 2024-01-06
DECISIONS_FILE = "decisions.parquet"


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(INBOX_URL, raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    Path("data/external").mkdir(parents=True)
    write_csv(Path("orders.csv"), "order_id,customer_id,ordered_at,revenue", "1,c1,2024-01-05T10:00:00Z,10")
    return files_params(orders={"path": "orders.csv"})


def _clean() -> pd.DataFrame:
    return pd.read_parquet(f"data/clean/{DECISIONS_FILE}").set_index("customer_id")


def test_decisions_arrive_with_chances_facts_and_the_moment_of_delivery(params: Params) -> None:
    commit_run(
        Path(),
        AT_US,
        Decided("c1", action="gift", sent_us=AT_US + 3_600_000_000, facts={"orders": 4.0}),
        Decided("c2"),
        Decided("c3", arm="control", action=None),
    )
    pull(params)
    check(params)
    found = _clean()
    assert found["arm"].tolist() == ["treatment", "treatment", "control"]
    assert found.loc["c1", "delivered_at"] == pd.Timestamp("2024-01-06 01:00Z")
    assert found["delivered_at"].isna().tolist() == [False, True, True]
    assert json.loads(found.loc["c3", "chances"]) == {"gift": 0.5, "letter": 0.5}
    assert json.loads(found.loc["c1", "own_control"]) == {"gift": 0.1}
    assert found.loc["c1", ["orders", "cost_money", "offer_cost_money", "control_share"]].tolist() == [4, 0.5, 2, 0.2]
    assert read_json(Path("reports/quality.json"))["decisions"] == {
        "rows_in": 3, "kept": 3, "quarantined": 0, "duplicates": 0, "reasons": {},
    }  # fmt: skip


def test_whom_nothing_could_reach_is_not_among_them(params: Params) -> None:
    commit_run(Path(), AT_US, Decided("c1"), Decided("c2", action=None, chances={}))
    pull(params)
    assert pd.read_parquet(f"data/raw/{DECISIONS_FILE}")["customer_id"].tolist() == ["c1"]


def test_a_run_after_the_mark_waits_for_the_next_pull(params: Params) -> None:
    inbox = commit_run(Path(), AT_US, Decided("c1"))
    mark = inbox.mark()
    commit_run(Path(), AT_US + DAY_US, Decided("c2"))
    assert export_decisions((inbox, mark), Path()) == 1
    assert pd.read_parquet(DECISIONS_FILE)["customer_id"].tolist() == ["c1"]


def test_the_erased_are_not_among_them(params: Params) -> None:
    inbox = commit_run(Path(), AT_US, Decided("c1"), Decided("c2"))
    with writing(inbox.engine) as connection:
        connection.execute(sa.update(DECISIONS).where(DECISIONS.c.customer_id == "c1").values(customer_id=""))
    pull(params)
    assert pd.read_parquet(f"data/raw/{DECISIONS_FILE}")["customer_id"].tolist() == ["c2"]


def test_a_decision_that_cannot_be_weighed_is_refused_with_its_reason(params: Params) -> None:
    commit_run(Path(), AT_US, Decided("c1"), Decided("c2", propensity=None), Decided("c3", arm="control"))
    pull(params)
    check(params)
    assert _clean().index.tolist() == ["c1"]
    refused = pd.read_parquet(f"data/quarantine/{DECISIONS_FILE}")
    assert refused["column"].tolist() == ["propensity", "action"]
    assert refused["reason"].tolist() == ["an action without a chance from 0 to 1", "an action of somebody in control"]


def test_without_a_run_there_is_no_file_and_the_others_keep_their_bytes(params: Params) -> None:
    Inbox.open(Path()).add([event("e1", "c1")])
    pull(params)
    check(params)
    before = _digests()
    assert not [path for path in before if path.name == DECISIONS_FILE]
    commit_run(Path(), AT_US, Decided("c1"))
    pull(params)
    check(params)
    after = _digests()
    assert {path: after[path] for path in before} == before
    assert [path.name for path in after if path not in before] == [DECISIONS_FILE] * 2


def test_the_mark_moves_with_runs_and_only_then_names_them(params: Params) -> None:
    inbox = Inbox.open(Path())
    assert not write_mark(Path(), inbox.mark())
    inbox.add([event("e1", "c1")])
    assert write_mark(Path(), inbox.mark())
    assert set(read_json(mark_file(Path()))) == {"inbox", "last"}
    commit_run(Path(), AT_US, Decided("c1"))
    assert write_mark(Path(), inbox.mark())
    commit_run(Path(), AT_US + DAY_US, Decided("c1"))
    pull(params)
    assert read_json(mark_file(Path()))["runs"] == 2
    assert not write_mark(Path(), inbox.mark())


def _digests() -> dict[Path, str]:
    files = [
        path for folder in ("data/raw", "data/clean", "data/quarantine") for path in sorted(Path(folder).iterdir())
    ]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
