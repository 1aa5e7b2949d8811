"""The inbox: each id once, in the order they came, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from features.errors import ServingError
from serving.inbox.database import HEAD, INBOX_URL, REVISIONS, connect, inbox_url, upgrade
from serving.inbox.inbox import Inbox
from serving.settings import HOME
from tests.serving.migrating import migrate_down
from tests.serving.rows import AT_US, event, order
from tests.serving.shop import ROOT


@pytest.fixture
def home(either_database: None, tmp_path: Path) -> Path:
    """A folder whose inbox is a file, or a fresh PostgreSQL database."""
    (tmp_path / "data").mkdir()
    return tmp_path


def test_each_id_is_kept_once_and_says_so(home: Path) -> None:
    inbox = Inbox.open(home)
    assert inbox.add([event("1"), event("2"), event("1")]) == ["accepted", "accepted", "duplicate"]
    assert inbox.add([event("2"), event("3"), order("3")]) == ["duplicate", "accepted", "accepted"]
    assert inbox.add([event("3", kind="search")]) == ["conflict"]
    assert [(row.sort, row.id) for row in inbox.of(["c1"])["c1"]] == [
        ("engagement", "1"),
        ("engagement", "2"),
        ("engagement", "3"),
        ("orders", "3"),
    ]


def test_rows_are_found_by_customer_and_by_table(home: Path) -> None:
    inbox = Inbox.open(home)
    inbox.add([event("b", "c2"), event("Z", "c1"), event("a", "c2"), order("1", "c3")])
    assert {name: [row.id for row in rows] for name, rows in inbox.of(["c1", "c2", "c9"]).items()} == {
        "c1": ["Z"],
        "c2": ["b", "a"],
    }
    before = inbox.mark()
    inbox.add([event("later")])
    assert [[row.id for row in chunk] for chunk in inbox.rows("engagement", before)] == [["Z", "a", "b"]]
    assert inbox.last_known_us() == AT_US
    assert inbox.mark().last > before.last


def test_an_empty_inbox_knows_nothing(home: Path) -> None:
    inbox = Inbox.open(home)
    assert (inbox.of(["c1"]), inbox.last_known_us(), inbox.mark().last) == ({}, None, 0)
    assert list(inbox.rows("orders", inbox.mark())) == []


def test_writers_at_once_keep_each_row_once(home: Path) -> None:
    Inbox.open(home)
    rows = [event(str(number)) for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: Inbox.open(home).add(rows), range(4)))
    assert sum(outcomes.count("accepted") for outcomes in found) == 40
    assert len(Inbox.open(home).of(["c1"])["c1"]) == 40


def test_processes_that_start_together_make_one_database(home: Path) -> None:
    (home / "params.yaml").touch()
    code = "from pathlib import Path; from serving.inbox.inbox import Inbox; "
    code += f"print(Inbox.open(Path({str(home)!r})).mark())"
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert len({process.communicate(timeout=120)[0] for process in started}) == 1
    assert [process.returncode for process in started] == [0, 0, 0]


@pytest.mark.parametrize(
    ("revision", "told"),
    [
        (REVISIONS[-2], "1 behind this code's 0003. Back it up, then run `python -m serving.inbox`"),
        ("0099", "is ahead"),
    ],
)
def test_another_revision_says_what_to_do(home: Path, revision: str, told: str) -> None:
    engine = Inbox.open(home).engine
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608
    with pytest.raises(ServingError, match=told):
        Inbox.open(home)


def test_a_database_one_migration_behind_is_brought_forward_with_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(INBOX_URL, raising=False)
    (tmp_path / "data").mkdir()
    Inbox.open(tmp_path).add([event("1")])
    migrate_down(connect(inbox_url(tmp_path)), "0001")
    ran = subprocess.run(
        [sys.executable, "-m", "serving.inbox"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), HOME: str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"inbox: at revision {HEAD}\n"
    assert len(Inbox.open(tmp_path).of(["c1"])["c1"]) == 1


def test_an_inbox_nobody_can_write_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(INBOX_URL, raising=False)
    with pytest.raises(ServingError, match="Is its folder writable"):
        Inbox.open(tmp_path / "nowhere")


@pytest.mark.parametrize("url", ["mysql://me:secret-word@host/db", "secret-word", "postgresql://me:secret-word@h:x/db"])
def test_an_odd_url_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> None:
    monkeypatch.setenv(INBOX_URL, url)
    with pytest.raises(ServingError, match="value is not shown") as caught:
        connect(inbox_url(tmp_path))
    assert "secret-word" not in str(caught.value)


def test_a_server_that_is_down_is_told_without_its_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(INBOX_URL, "postgresql://me:secret-word@127.0.0.1:1/db")
    with pytest.raises(ServingError, match="does not answer") as caught:
        Inbox.open(tmp_path)
    assert "127.0.0.1" not in str(caught.value)
    with pytest.raises(ServingError, match="does not answer"):
        upgrade(connect(inbox_url(tmp_path)))
