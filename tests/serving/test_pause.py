"""The kill switch as a command: what it prints, what it refuses, and that params nobody can read do not stand in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.inbox.database import INBOX_URL, open_database
from serving.outbox.lists import stopped
from serving.pause import PauseRequest, turn
from serving.settings import HOME
from tests.serving.shop import ROOT

PARAMS = """dispatch:
  endpoint_url: https://shop.example
  destinations: {crm: {kind: csv, channels: [email], path: data/outbox/crm.csv}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "params.yaml").write_text(PARAMS)
    monkeypatch.delenv(INBOX_URL, raising=False)
    monkeypatch.setenv(HOME, str(tmp_path))
    return tmp_path


def ran(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "serving.pause", *arguments],
        env={"PYTHONPATH": str(ROOT), HOME: str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def holds(home: Path, channel: str, destination: str) -> str | None:
    with open_database(f"sqlite:///{home / 'data/inbox.db'}").connect() as connection:
        return stopped(connection, channel, destination)


def test_the_command_stops_tells_and_lets_go_on(home: Path) -> None:
    told = ran(home, "destination:crm", "--reason", "moving house").stdout
    assert told.startswith("destination:crm          stopped since 20")
    assert told.endswith("Z: moving house\n")
    assert holds(home, "email", "crm") == "destination:crm: moving house"
    assert ran(home).stdout == told
    assert "goes on" in ran(home, "destination:crm", "--resume", "--reason", "moved").stdout
    assert ran(home).stdout.endswith("pause: nothing is stopped\n")
    assert holds(home, "email", "crm") is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["all"], "say why with --reason"),
        (["destination:crn", "--reason", "x"], "destination:crn would stop nothing; there is all, channel:email"),
        (["channel:pigeon", "--reason", "x"], "channel:pigeon would stop nothing"),
        (["Email", "--reason", "x"], "'Email' is no switch; there is all, channel:email"),
    ],
)
def test_a_switch_that_would_stop_nothing_is_refused(home: Path, arguments: list[str], told: str) -> None:
    answer = ran(home, *arguments)
    assert (answer.returncode, told in answer.stderr) == (1, True), answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_destination_that_is_no_more_can_still_be_let_go_on(home: Path) -> None:
    engine = open_database(f"sqlite:///{home / 'data/inbox.db'}")
    turn(engine, PauseRequest(name="destination:crm", stopped=True, reason="x"), 1)
    (home / "params.yaml").write_text("dispatch: {endpoint_url: https://shop.example, destinations: {}}\n")
    turn(engine, PauseRequest(name="destination:crm", stopped=False, reason="y"), 2)
    assert holds(home, "email", "crm") is None
    with pytest.raises(ConfigError, match="would stop nothing"):
        turn(engine, PauseRequest(name="destination:other", stopped=True, reason="x"), 3)


def test_params_that_cannot_be_read_keep_nobody_from_stopping(home: Path) -> None:
    (home / "params.yaml").write_text("dispatch: [")
    engine = open_database(f"sqlite:///{home / 'data/inbox.db'}")
    turn(engine, PauseRequest(name="destination:crm", stopped=True, reason="x"), 1)
    assert holds(home, "email", "crm") == "destination:crm: x"
