"""`dvc repro` and the events received: it pulls when something came in, and does nothing when nothing did."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pandas as pd
import pytest

from serving.inbox.inbox import Inbox
from serving.inbox.marking import QUIET_SECONDS, offer_mark
from tests.serving.rows import event
from tests.test_whole_loop import checkout, ran, run

pytestmark = pytest.mark.slow


def told(project: Path, inbox: Inbox) -> None:
    """What the endpoint does every other second; no pull ran just now."""
    lock = project / "data/.pull.lock"
    if lock.exists():
        os.utime(lock, (time.time() - QUIET_SECONDS - 1,) * 2)
    assert offer_mark(project, inbox.mark())


def test_repro_pulls_what_came_in_once(tmp_path: Path) -> None:
    project = checkout(tmp_path / "project")
    assert ran(run(project, "dvc", "repro", "pull")) == ["pull"]
    inbox = Inbox.open(project)
    told(project, inbox)
    assert ran(run(project, "dvc", "repro", "pull")) == []
    inbox.add([event("new")])
    told(project, inbox)
    assert ran(run(project, "dvc", "repro", "pull")) == ["pull"]
    pulled = pd.read_parquet(project / "data/raw/engagement.parquet", columns=["event_id"])["event_id"]
    assert (pulled == "new").sum() == 1
    assert "up to date" in run(project, "dvc", "repro", "pull")
    told(project, inbox)
    assert "up to date" in run(project, "dvc", "repro", "pull")
