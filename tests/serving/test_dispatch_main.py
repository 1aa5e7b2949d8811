"""`python -m serving.dispatch` as a process: once, as a loop, against what it must not send."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from sqlalchemy.engine import Engine

from benchmarks.fault_parts.receivers import SECRET, receiving
from serving.dispatch.__main__ import main
from serving.dispatch.clock import clock_from
from serving.draws import holdout_key
from serving.inbox.database import INBOX_URL, inbox_url, open_database, writing
from serving.outbox import lists
from serving.outbox.tables import MESSAGES
from serving.settings import HOME
from serving.unsubscribe_link import read_token
from tests.serving.migrating import migrate_down
from tests.serving.outbox_rows import NOW_US, Planned, message, plan_messages, receive, states, touches
from tests.serving.shop import ROOT

NOW = "2025-11-18T12:00:00Z"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with nothing but params and an empty inbox."""
    monkeypatch.delenv(INBOX_URL, raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def engine(home: Path) -> Engine:
    return open_database(inbox_url(home))


def destinations(home: Path, **lanes: object) -> None:
    file = home / "params.yaml"
    tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    tree["dispatch"]["destinations"] = lanes
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")


def webhook(url: str, **more: object) -> dict[str, object]:
    about = {"kind": "webhook", "channels": ["email"], "url": url, "secret_env": "CRM_SECRET", "allow_private": True}
    return {**about, "timeout_seconds": 2, "lease_seconds": 4, **more}


def started(home: Path, *arguments: str) -> subprocess.Popen[str]:
    known = {**os.environ, "REKINDLE_HOME": str(home), "PYTHONPATH": str(ROOT), "CRM_SECRET": SECRET}
    command = [sys.executable, "-m", "serving.dispatch", *arguments]
    return subprocess.Popen(command, cwd=home, env=known, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


Dispatch = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dispatch(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Dispatch:
    """The command in this process, for one of its own takes seconds to start: exit code, output, warnings."""
    monkeypatch.setenv(HOME, str(home))
    monkeypatch.setenv("CRM_SECRET", SECRET)

    def run(*arguments: str) -> tuple[int, str, str]:
        caplog.clear()
        told = ""
        try:
            main(["--now", NOW, *arguments])
        except SystemExit as ended:
            told = str(ended.code)
        return int(bool(told)), capsys.readouterr().out, caplog.text + told

    return run


def test_out_of_the_box_letters_and_lines_land_in_files(home: Path, engine: Engine, dispatch: Dispatch) -> None:
    mail, text = plan_messages(engine, Planned(), Planned("c2", channel="sms", destination="list"))
    code, out, err = dispatch()
    assert (code, out, err) == (0, "dispatch: 2 sent, 0 still to be sent\n", "")
    assert [file.name for file in (home / "data/outbox/letters").iterdir()] == [f"{mail}.eml"]
    assert text in (home / "data/outbox/messages.csv").read_text()
    letter = (home / f"data/outbox/letters/{mail}.eml").read_text()
    link = re.search(r"List-Unsubscribe: <http://127\.0\.0\.1:3000/v1/unsubscribe\?token=(\S+)>", letter)
    assert link is not None
    assert read_token(link[1], holdout_key()) == (mail, Planned().person, "email")
    assert len(touches(engine)) == 2
    assert dispatch()[1] == "dispatch: 0 still to be sent\n"
    assert len((home / "data/outbox/messages.csv").read_text().splitlines()) == 2


def test_the_line_counts_what_became_of_each(home: Path, engine: Engine, dispatch: Dispatch) -> None:
    plan_messages(
        engine,
        Planned(),
        Planned("c2", facts={"touches_30d": 9.0}),
        Planned("c3", expires_at_us=NOW_US - 1),
        Planned("c4", facts={"timezone": "Asia/Tokyo"}),
        Planned("c5", destination="old_crm"),
    )
    told = (
        "1 cancelled, 1 expired, 1 sent, 1 waiting, 2 still to be sent, 1 of them for old_crm, which this run does not"
    )
    assert told in dispatch()[1]


@pytest.mark.parametrize("workers", ["2", "8"])
def test_two_dispatchers_on_one_outbox_send_each_message_once(home: Path, engine: Engine, workers: str) -> None:
    names = plan_messages(engine, *(Planned(f"c{number}", destination="crm") for number in range(120)))
    with receiving("ok") as receiver:
        destinations(home, crm=webhook(receiver.url, concurrency=5, lease_seconds=60))
        both = [started(home, "--now", NOW, "--workers", workers) for _ in range(2)]
        out = [process.communicate(timeout=90) for process in both]
    assert [process.returncode for process in both] == [0, 0], out
    assert receiver.arrived == dict.fromkeys(names, 1)
    assert set(states(engine).values()) == {"sent"}
    assert len(touches(engine)) == 120


def test_a_destination_that_leads_inside_gets_nothing_and_is_named(
    home: Path, engine: Engine, dispatch: Dispatch
) -> None:
    (name,) = plan_messages(engine, Planned(destination="crm"))
    with receiving("ok") as receiver:
        inside = f"https://127.0.0.1:{receiver.port}/"
        destinations(home, crm=webhook(inside, allow_private=False))
        code, out, err = dispatch()
    assert (code, out) == (0, "dispatch: 1 still to be sent\n")
    assert "crm: nothing is sent: 127.0.0.1 leads to 127.0.0.1, which is not a public address" in err
    assert states(engine) == {name: "pending"}
    assert not receiver.arrived


def test_everything_stopped_or_everybody_suppressed_sends_nothing(
    home: Path, engine: Engine, dispatch: Dispatch
) -> None:
    everybody = [Planned(f"c{number}") for number in range(5)]
    plan_messages(engine, *everybody)
    with writing(engine) as connection:
        lists.stop(connection, "all", "the wrong price", NOW_US)
    code, out, err = dispatch()
    assert (code, out) == (0, "dispatch: 5 still to be sent\n")
    assert "letters: nothing is sent: stopped by all: the wrong price" in err
    with writing(engine) as connection:
        lists.resume(connection, "all", "mended", NOW_US)
        for one in everybody:
            lists.suppress(connection, one.person, "*", "asked", NOW_US, "test")
    assert dispatch()[1] == "dispatch: 5 cancelled, 0 still to be sent\n"


def test_complaints_are_warned_of_before_they_stop_everything(home: Path, engine: Engine, dispatch: Dispatch) -> None:
    plan_messages(engine, Planned(), Planned("c2", send_after_us=NOW_US + 60_000_000))
    for number in range(900):
        receive(engine, "engagement", f"s{number}", "c8", NOW_US - 1, kind="email_sent")
    for number in range(2):
        receive(engine, "engagement", f"x{number}", "c9", NOW_US - 1, kind="spam_complaint")
    code, out, err = dispatch()
    assert (code, out) == (0, "dispatch: 1 sent, 1 still to be sent\n")
    assert "letters: 2 spam complaint(s) about 900 message(s) reach 0.1%; at 0.3% nobody is contacted any more." in err
    receive(engine, "engagement", "x2", "c9", NOW_US - 1, kind="spam_complaint")
    code, out, err = dispatch("--now", "2025-11-18T12:02:00Z")
    assert (code, out) == (0, "dispatch: 1 still to be sent\n")
    assert "letters: nothing is sent: 3 spam complaint(s) about 901 message(s) reach the bound of 0.3%" in err


def test_a_database_one_migration_behind_is_said_and_nothing_is_sent(
    home: Path, engine: Engine, dispatch: Dispatch
) -> None:
    migrate_down(engine, "0002")
    code, out, err = dispatch()
    assert (code, out) == (1, "")
    assert "is at revision 0002, 1 behind this code's 0003. Back it up, then run `python -m serving.inbox`" in err


BROKEN = {
    "no secret": ({"crm": webhook("https://crm.example/", secret_env="NO_SUCH")}, [], "$NO_SUCH holds no secret"),
    "no destination": ({}, [], "dispatch.destinations is empty"),
    "unknown destination": ({"crm": webhook("https://crm.example/")}, ["--destination", "x"], "none of dispatch.dest"),
    "wrong url": ({"crm": webhook("crm.example")}, [], "url must be https://host/path"),
    "wrong now": ({"list": {"kind": "csv", "channels": [], "path": "x"}}, ["--now", "noon"], "'noon' is no instant"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_said(home: Path, name: str, dispatch: Dispatch) -> None:
    lanes, arguments, told = BROKEN[name]
    destinations(home, **lanes)
    code, out, err = dispatch(*arguments)
    assert (code, out) == (1, "")
    assert told in err


@pytest.fixture
def looping(home: Path, engine: Engine) -> Iterator[subprocess.Popen[str]]:
    process = started(home, "--now", NOW, "--loop")
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_loop_sends_what_comes_later_and_ends_cleanly_when_told(
    home: Path, engine: Engine, looping: subprocess.Popen[str]
) -> None:
    plan_messages(engine, Planned())
    wait_for(engine, 1)
    plan_messages(engine, Planned("c2"))
    wait_for(engine, 2)
    looping.send_signal(signal.SIGTERM)
    out, err = looping.communicate(timeout=20)
    assert (looping.returncode, out, err) == (0, "dispatch: 2 sent, 0 still to be sent\n", "")


def test_told_to_stop_in_the_middle_it_finishes_what_it_has_in_hand(home: Path, engine: Engine) -> None:
    plan_messages(engine, *(Planned(f"c{number}", destination="crm") for number in range(200)))
    with receiving("ok") as receiver:
        destinations(home, crm=webhook(receiver.url, concurrency=2))
        process = started(home, "--now", NOW)
        until = time.monotonic() + 30
        while len(receiver.arrived) < 5 and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0
    found = states(engine)
    assert "leased" not in found.values()
    assert {name for name, state in found.items() if state == "sent"} == set(receiver.arrived)
    assert 5 <= len(receiver.arrived) < 200


def test_a_retry_is_sent_once_its_time_has_come(home: Path, engine: Engine, dispatch: Dispatch) -> None:
    (name,) = plan_messages(engine, Planned(destination="crm"))
    with receiving("error") as receiver:
        destinations(home, crm=webhook(receiver.url, first_retry_seconds=60, max_attempts=2))
        assert dispatch()[1] == "dispatch: 1 retry, 1 still to be sent\n"
        assert message(engine, name)["reason"] == "the receiver answered 500"
        with writing(engine) as connection:
            connection.execute(sa.update(MESSAGES).values(next_attempt_us=NOW_US))
        assert dispatch()[1] == "dispatch: 1 dead, 0 still to be sent\n"


def test_a_clock_of_its_own_goes_on_from_its_start() -> None:
    clock = clock_from("2026-01-01")
    first = clock()
    time.sleep(0.02)
    assert 0 <= first - 1_767_225_600_000_000 < 1_000_000
    assert clock() - first >= 20_000
    assert abs(clock_from(None)() - time.time() * 1e6) < 1_000_000


def wait_for(engine: Engine, sent: int) -> None:
    until = time.monotonic() + 30
    while list(states(engine).values()).count("sent") < sent and time.monotonic() < until:
        time.sleep(0.05)
    assert list(states(engine).values()).count("sent") == sent
