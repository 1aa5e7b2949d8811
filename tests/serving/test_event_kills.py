"""Acknowledged events survive kill -9 under load and are in the next pull; benchmarks/event_kills.py does it longer."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.event_kills import kept_ids, kill_often
from pipeline.pull import pull
from serving.inbox.database import INBOX_URL
from tests.pipeline.shops import files_params, write_csv
from tests.serving.shop import copy_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kills", "is_bare"), [(5, True), (1, False)], ids=["the routes alone", "BentoML"])
def test_killed_under_load_nothing_acknowledged_is_lost_and_nothing_is_there_twice(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int, is_bare: bool
) -> None:
    monkeypatch.delenv(INBOX_URL, raising=False)
    home = copy_of(run, tmp_path / "run")
    found = kill_often(home, kills, is_bare, minutes=5)
    assert found.kills == kills
    assert found.holds, found
    monkeypatch.chdir(home)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    write_csv(Path("orders.csv"), "order_id,customer_id,ordered_at,revenue", "1,007,2024-01-05T10:00:00Z,10")
    pull(files_params(orders={"path": "orders.csv"}))
    pulled = pd.read_parquet("data/raw/engagement.parquet", columns=["event_id"])["event_id"]
    assert sorted(pulled) == sorted(kept_ids(home))
    assert len(pulled) >= found.acknowledged > 0
