"""Decide and commit: once, whole, with everything known; and the same from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from features.log import DAY_US
from serving.desk import Desk
from serving.inbox.database import INBOX_URL
from serving.outbox.person import person_of
from serving.outbox.tables import ARMS, DECISIONS, MESSAGES, RUNS
from serving.problems import Problem
from serving.requests import iso
from serving.settings import HOME, Places
from serving.trigger import dry_run, trigger
from tests.pipeline import postgres
from tests.serving.migrating import migrate_down
from tests.serving.shop import ROOT
from tests.serving.triggering import HOUR_US, NINE_US, call, contacted, gate_of, rows, triggered


@pytest.fixture
def desk_on_postgresql(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with postgres.started() as host:
        monkeypatch.setenv(INBOX_URL, f"postgresql://postgres:@/postgres?host={host}")
        desk = Desk.open(Places(home))
        yield desk
        desk.inbox.engine.dispose()


def test_a_run_leaves_one_decision_per_customer_and_one_message_per_action(desk: Desk) -> None:
    told = triggered(desk)
    decided, messages = rows(desk, DECISIONS), contacted(desk)
    assert sorted(str(row["customer_id"]) for row in decided) == desk.store.customer_ids()
    assert told["messages"] == len(messages) == sum(row["action"] is not None for row in decided) > 50
    assert sum(told["by_gate"].values()) + len(messages) == told["customers"]  # type: ignore[attr-defined,operator]
    (run,) = rows(desk, RUNS)
    assert orjson.loads(str(run["answer_json"])) == told
    assert {row["run_seq"] for row in decided} == {run["seq"]}


def test_a_message_says_all_that_its_receiver_needs(desk: Desk) -> None:
    triggered(desk)
    row = contacted(desk)[0]
    payload = orjson.loads(str(row["payload_json"]))
    assert set(payload) - {"reasons_in_words"} == {
        "type", "message_id", "decision_id", "customer_id", "action", "intent", "channel", "model_version",
        "policy_version", "churn_probability", "send_after", "expires_at",
    }  # fmt: skip
    assert (row["state"], row["destination"], row["touch_key"]) == ("pending", "letters", row["decision_id"])
    assert payload["send_after"] == iso(int(str(row["send_after_us"])))
    assert row["person"] == person_of(str(row["customer_id"]), desk.key)


def test_the_same_instant_again_decides_nothing_again(desk: Desk) -> None:
    first = trigger(desk, call())
    before = [rows(desk, table) for table in (RUNS, DECISIONS, MESSAGES, ARMS)]
    assert trigger(desk, call()) == first
    assert [rows(desk, table) for table in (RUNS, DECISIONS, MESSAGES, ARMS)] == before
    some = desk.store.customer_ids()[:20]
    assert triggered(desk, customers=some)["decided_before"] == 20
    assert rows(desk, MESSAGES) == before[2]


def test_a_waiting_message_keeps_a_later_run_from_a_second_one(desk: Desk) -> None:
    triggered(desk)
    names = {row["customer_id"] for row in contacted(desk)}
    later = triggered(desk, NINE_US + HOUR_US)
    assert later["messages"] == 0
    assert {gate_of(desk, str(name)) for name in names} == {"frequency_cap"}


def test_the_same_key_and_body_give_the_stored_answer_byte_for_byte(desk: Desk) -> None:
    first = trigger(desk, call(key="k1"))
    assert trigger(desk, call(NINE_US + DAY_US, key="k1")) == first
    assert len(rows(desk, RUNS)) == 1


def test_the_same_key_with_another_body_is_refused(desk: Desk) -> None:
    trigger(desk, call(key="k1"))
    with pytest.raises(Problem, match="used for another request") as caught:
        trigger(desk, call(key="k1", customers=desk.store.customer_ids()[:1]))
    assert caught.value.status == 422
    assert len(rows(desk, RUNS)) == 1


def test_runs_at_once_never_send_a_person_two(home: Path, desk: Desk) -> None:
    others = [Desk.open(Places(home)) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda pair: trigger(pair[1], call(NINE_US + pair[0])), enumerate(others)))
    assert len(rows(desk, RUNS)) == 3
    names = [row["customer_id"] for row in contacted(desk)]
    assert len(names) == len(set(names)) > 50


def test_postgresql_commits_the_same_run(desk: Desk, desk_on_postgresql: Desk) -> None:
    assert trigger(desk_on_postgresql, call(key="k1")) == trigger(desk, call(key="k1"))
    assert trigger(desk_on_postgresql, call(key="k1")) == trigger(desk, call(key="k1"))
    for table, order in ((DECISIONS, "decision_id"), (MESSAGES, "message_id"), (ARMS, "person")):
        ours, theirs = (
            sorted(rows(each, table), key=lambda row: (str(row[order]), str(row.get("scope"))))
            for each in (desk, desk_on_postgresql)
        )
        assert ours == theirs
    again = [desk_on_postgresql, Desk.open(desk_on_postgresql.places)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: trigger(pair[1], call(NINE_US + 1 + pair[0])), enumerate(again)))
    names = [row["customer_id"] for row in contacted(desk_on_postgresql)]
    assert len(names) == len(set(names))


def test_a_dry_run_counts_the_same_and_writes_nothing(desk: Desk) -> None:
    told = orjson.loads(dry_run(desk, call()))
    assert rows(desk, RUNS) == rows(desk, MESSAGES) == []
    real = triggered(desk)
    assert {name: real[name] for name in told if name != "dry_run"} == {
        name: value for name, value in told.items() if name != "dry_run"
    }


def test_arms_are_written_once_and_keep_their_first_instant(desk: Desk) -> None:
    triggered(desk)
    first = rows(desk, ARMS)
    assert {row["scope"] for row in first} >= {"all", "reason_survey", "how_to_content"}
    overall = {row["person"]: row["in_control"] for row in first if row["scope"] == "all"}
    arms = {row["person"]: row["arm"] == "control" for row in rows(desk, DECISIONS)}
    assert overall == arms
    triggered(desk, NINE_US + HOUR_US)
    again = {(row["person"], row["scope"]): row["since_us"] for row in rows(desk, ARMS)}
    assert all(again[row["person"], row["scope"]] == NINE_US for row in first)


def test_an_instant_before_the_nightly_run_and_strangers_are_refused(desk: Desk) -> None:
    with pytest.raises(Problem, match="lies before the last nightly run"):
        trigger(desk, call(NINE_US - DAY_US))
    with pytest.raises(Problem, match="1 of the ids were not scored"):
        trigger(desk, call(customers=["nobody", desk.store.customer_ids()[0]]))
    with pytest.raises(Problem, match="customer"):
        trigger(desk, call(customer="c1"))
    assert rows(desk, RUNS) == []


def command(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, HOME: str(home), "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "serving.trigger", *options]
    return subprocess.run(line, capture_output=True, text=True, env=known, cwd=home, check=False)


def test_the_command_decides_for_the_ids_in_a_file(home: Path, desk: Desk) -> None:
    names = desk.store.customer_ids()[:30]
    (home / "ids.txt").write_text("\n".join(names) + "\n")
    done = command(home, "--now", "2026-01-01T09:00:00Z", "--customers", str(home / "ids.txt"))
    assert orjson.loads(done.stdout)["customers"] == 30
    dry = command(home, "--now", "2026-01-01T10:00:00Z", "--customers", ",".join(names[:3]), "--dry-run")
    assert orjson.loads(dry.stdout)["dry_run"] is True
    assert len(rows(desk, RUNS)) == 1


def test_the_command_on_a_database_one_migration_behind_says_so(home: Path, desk: Desk) -> None:
    migrate_down(desk.inbox.engine, "0002")
    done = command(home, "--now", "2026-01-01T09:00:00Z")
    assert done.returncode == 1
    assert "at revision 0002, 1 behind" in done.stderr
    assert "Traceback" not in done.stderr
