"""The loop works in a folder of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.loop.folder import EXPORTS, copied, hushed, inside, write_exports, write_params
from pipeline.params import load_params
from pipeline.paths import project_root
from serving.inbox.database import INBOX_URL, inbox_url
from serving.settings import HOME, places
from tests.pipeline.shops import ROOT


def test_nothing_leads_out_of_the_folder_and_all_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INBOX_URL, "postgresql://somebody@the-real-one/shop")
    monkeypatch.setenv("DVC_ROOT", str(ROOT))
    monkeypatch.setenv(HOME, str(ROOT))
    here = Path.cwd()
    with inside(tmp_path / "own"):
        assert Path.cwd() == tmp_path / "own"
        assert project_root() == tmp_path / "own"
        assert places().home == tmp_path / "own"
        assert inbox_url(places().home) == f"sqlite:///{tmp_path / 'own' / 'data' / 'inbox.db'}"
    assert Path.cwd() == here
    assert os.environ[INBOX_URL] == "postgresql://somebody@the-real-one/shop"
    assert os.environ[HOME] == str(ROOT)


def test_a_failure_inside_puts_all_back_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INBOX_URL, "sqlite:////the/real/one.db")
    with pytest.raises(ValueError, match="broken"), inside(tmp_path):
        raise ValueError("broken")
    assert os.environ[INBOX_URL] == "sqlite:////the/real/one.db"
    assert HOME not in os.environ


def test_the_params_of_the_folder_are_those_given(tmp_path: Path) -> None:
    params = load_params(ROOT / "params.yaml")
    with inside(tmp_path):
        write_params(params)
        assert load_params() == params


def test_each_month_adds_an_export(tmp_path: Path) -> None:
    table = pa.table({"order_id": ["o1"]})
    with inside(tmp_path / "t0"):
        write_exports({"orders": table}, 0)
        write_exports({"orders": table}, 1)
    copied(tmp_path / "t0", tmp_path / "again")
    names = sorted(path.name for path in (tmp_path / "again" / EXPORTS / "orders").iterdir())
    assert names == ["001.parquet", "002.parquet"]
    assert pq.read_table(tmp_path / "again" / EXPORTS / "orders" / "001.parquet").equals(table)


def test_the_stages_talk_to_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    with hushed():
        print("progress")
        os.write(1, b"a bar")
    print("result", flush=True)
    assert capfd.readouterr().out == "result\n"
