"""Commands that decide and send move the mark that makes `dvc repro` pull, and wait for a pull that runs."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from serving.inbox.database import INBOX_URL
from serving.inbox.inbox import Inbox
from serving.inbox.marking import mark_file, pulling
from serving.inbox.telling import tell, telling
from tests.serving.rows import event


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    monkeypatch.delenv(INBOX_URL, raising=False)
    (tmp_path / "data" / "external").mkdir(parents=True)
    return Inbox.open(tmp_path)


def _last(home: Path) -> int:
    return int(json.loads(mark_file(home).read_text())["last"])


def test_what_came_in_while_the_block_ran_is_told_at_its_end(inbox: Inbox, tmp_path: Path) -> None:
    with telling(inbox.engine, tmp_path):
        inbox.add([event("e1")])
    assert _last(tmp_path) == 1


def test_a_failing_block_is_told_of_too(inbox: Inbox, tmp_path: Path) -> None:
    def fail() -> None:
        with telling(inbox.engine, tmp_path):
            inbox.add([event("e1")])
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert _last(tmp_path) == 1


def test_during_a_pull_nothing_is_told_and_the_command_does_not_wait_for_ever(inbox: Inbox, tmp_path: Path) -> None:
    inbox.add([event("e1")])
    started, ends = threading.Event(), threading.Event()

    def pull() -> None:
        with pulling(tmp_path):
            started.set()
            ends.wait(10)

    puller = threading.Thread(target=pull)
    puller.start()
    started.wait(10)
    assert not tell(inbox.engine, tmp_path, patience_seconds=0.3)
    assert not mark_file(tmp_path).exists()
    ends.set()
    puller.join()


def test_without_a_pipeline_beside_it_nothing_is_written(inbox: Inbox, tmp_path: Path) -> None:
    mark_file(tmp_path).parent.rmdir()
    inbox.add([event("e1")])
    assert not tell(inbox.engine, tmp_path)
    assert not mark_file(tmp_path).parent.exists()
