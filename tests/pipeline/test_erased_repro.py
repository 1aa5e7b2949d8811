"""`dvc repro` after an erasure: DVC sees it as a change, pulls without the person once, and not again."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pandas as pd
import pytest

from serving.erase import erase
from serving.inbox.database import INBOX_URL, open_database
from serving.inbox.erased import offer_erased
from serving.inbox.marking import QUIET_SECONDS
from serving.settings import Places
from tests.test_whole_loop import checkout, ran, run

pytestmark = pytest.mark.slow


def test_repro_pulls_without_the_person_and_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(INBOX_URL, raising=False)
    project = checkout(tmp_path / "project")
    assert ran(run(project, "dvc", "repro", "pull")) == ["pull"]
    orders = project / "data/raw/orders.parquet"
    name = str(pd.read_parquet(orders, columns=["customer_id"])["customer_id"].dropna().iloc[0])
    engine = open_database(f"sqlite:///{project / 'data/inbox.db'}")
    receipt = erase(engine, Places(project), name, time.time_ns() // 1000)
    lock = project / "data/.pull.lock"
    if lock.exists():
        os.utime(lock, (time.time() - QUIET_SECONDS - 1,) * 2)
    assert offer_erased(project, [str(receipt["person"])])
    told = run(project, "dvc", "repro", "pull")
    assert ran(told) == ["pull"]
    assert "1 erased person(s)" in told
    assert name not in told
    assert name not in set(pd.read_parquet(orders, columns=["customer_id"])["customer_id"])
    assert "up to date" in run(project, "dvc", "repro", "pull")
