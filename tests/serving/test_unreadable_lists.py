"""Where the lists cannot be read nobody is contacted: a file that is no database any more, a server that is down."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pandas as pd
import pytest

from features.errors import RekindleError
from serving import deciding
from serving.desk import Desk
from serving.inbox.database import INBOX_URL, inbox_url, open_database, writing
from serving.planner import plan
from serving.problems import Problem
from serving.requests import PlanRequest
from serving.settings import HOME, Places
from tests.pipeline import postgres
from tests.serving.shop import ROOT, copy_of

NOW = "2026-01-01T12:00:00Z"
DOWN = "postgresql://me:word@127.0.0.1:1/db"


@pytest.fixture
def home(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(INBOX_URL, raising=False)
    home = copy_of(run, tmp_path / "run")
    monkeypatch.setenv(HOME, str(home))
    return home


def ran(home: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {"PYTHONPATH": str(ROOT), HOME: str(home), "PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=home, env=known, capture_output=True, text=True, check=False
    )


def corrupt(home: Path) -> None:
    """No shared memory nor log is left that could still hold good pages."""
    for file in (home / "data").glob("inbox.db*"):
        os.truncate(file, 0)
        file.write_bytes(b"no database at all" * 5000)


def without_suppressions(home: Path) -> None:
    with writing(open_database(inbox_url(home))) as connection:
        connection.exec_driver_sql("DROP TABLE suppressions")


def letters(home: Path) -> list[Path]:
    return [file for file in (home / "data/outbox").rglob("*") if file.is_file()]


def contacted(desk: Desk, home: Path) -> list[object]:
    plans = pd.read_parquet(home / "data/plan.parquet")
    names = [{"customer_id": name} for name in plans.loc[plans["action"].notna(), "customer_id"]]
    assert names
    answer = plan(desk, PlanRequest.model_validate({"customers": names}))
    decisions = orjson.loads(orjson.dumps(answer))["decisions"]
    return [each["action"] for each in decisions if each["action"] is not None]


def test_a_trigger_and_a_dispatch_do_contact_people_while_all_is_well(home: Path) -> None:
    assert ran(home, "serving.trigger", "--now", NOW).returncode == 0
    sent = ran(home, "serving.dispatch", "--once", "--now", NOW)
    assert (sent.returncode, bool(letters(home))) == (0, True), sent.stderr


def test_neither_the_trigger_nor_the_dispatcher_names_a_customer(home: Path) -> None:
    shutil.rmtree(home / "data/outbox", ignore_errors=True)
    (home / "data/outbox").write_text("a file where the folder should be, so that every delivery fails")
    told = [ran(home, "serving.trigger", "--now", NOW), ran(home, "serving.dispatch", "--once", "--now", NOW)]
    log = "".join(each.stdout + each.stderr for each in told)
    assert "retry" in log or "failed" in log, log
    names = pd.read_parquet(home / "data/scores.parquet")["customer_id"]
    assert [name for name in names if name in log] == []


@pytest.mark.parametrize("damage", [corrupt, without_suppressions])
def test_a_damaged_file_stops_the_dispatcher_before_it_sends(home: Path, damage: Callable[[Path], None]) -> None:
    assert ran(home, "serving.trigger", "--now", NOW).returncode == 0
    damage(home)
    told = ran(home, "serving.dispatch", "--once", "--now", NOW)
    assert not letters(home)
    assert "Traceback" not in told.stderr
    assert "does not answer" in told.stdout + told.stderr


@pytest.mark.parametrize("damage", [corrupt, without_suppressions])
def test_a_damaged_file_stops_the_trigger_before_it_decides(home: Path, damage: Callable[[Path], None]) -> None:
    open_database(inbox_url(home)).dispose()
    damage(home)
    told = ran(home, "serving.trigger", "--now", NOW)
    assert (told.returncode, "Traceback" in told.stderr) == (1, False), told.stderr
    if damage is without_suppressions:
        with open_database(inbox_url(home)).connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM messages").scalar() == 0


@pytest.mark.parametrize("command", ["serving.trigger", "serving.dispatch"])
def test_a_server_that_is_down_stops_both(home: Path, command: str) -> None:
    told = ran(home, command, "--now", NOW, **{INBOX_URL: DOWN})
    assert (told.returncode, "does not answer" in told.stderr, "127.0.0.1" in told.stderr) == (1, True, False)
    assert not letters(home)


@pytest.mark.parametrize("damage", [corrupt, without_suppressions])
def test_the_running_endpoint_plans_and_triggers_nothing_on_a_damaged_file(
    home: Path, damage: Callable[[Path], None]
) -> None:
    desk = Desk.open(Places(home))
    assert contacted(desk, home)
    damage(home)
    assert contacted(desk, home) == []
    with pytest.raises((Problem, RekindleError)):
        deciding.trigger(desk, b"{}", "a-key")


def test_the_running_endpoint_plans_and_triggers_nothing_once_the_server_is_down(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.started() as host:
        monkeypatch.setenv(INBOX_URL, f"postgresql://postgres:@/postgres?host={host}")
        desk = Desk.open(Places(home))
        assert contacted(desk, home)
    assert contacted(desk, home) == []
    with pytest.raises((Problem, RekindleError)):
        deciding.trigger(desk, b"{}", "a-key")
