"""Outputs are written aside and renamed: a crash leaves the old file or none, never half of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from features.errors import DataError
from pipeline.files import directory_aside, read_json, read_table, write_json, write_table, written_aside

ROOT = Path(__file__).parents[2]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_aside(tmp_path: Path) -> None:
    target = tmp_path / "scores.txt"
    target.write_text("old")
    with pytest.raises(FileNotFoundError, match="missing"), written_aside(target) as aside:
        aside.write_text((tmp_path / "missing").read_text())
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "stale").touch()
    with directory_aside(folder) as aside:
        (aside / "fresh").touch()
    assert [path.name for path in folder.iterdir()] == ["fresh"]


def test_a_process_killed_while_writing_leaves_no_file_under_the_final_name(tmp_path: Path) -> None:
    script = (
        "import time\nfrom pathlib import Path\nfrom pipeline.files import written_aside\n"
        "with written_aside(Path('table.parquet')) as aside:\n"
        "    aside.write_bytes(b'PAR1 half')\n    print('writing', flush=True)\n    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, env=environment)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "table.parquet").exists()


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    table = pd.DataFrame({"customer_id": ["a", "b"], "churn_probability": [0.25, 0.5]})
    for name in ("one", "two"):
        write_table(tmp_path / name, table)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    pd.testing.assert_frame_equal(read_table(tmp_path / "one"), table)


def test_json_refuses_what_is_not_a_number(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "metrics.json", {"roc_auc": float("nan")})
    assert not (tmp_path / "metrics.json").exists()


def test_json_keys_are_sorted(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": 2})
    assert list(read_json(tmp_path / "a.json")) == ["a", "b"]


def test_reading_what_no_stage_has_made_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run `dvc repro` to make it"):
        read_table(tmp_path / "scores.parquet")


def test_what_a_killed_process_left_aside_goes_with_the_next_write(tmp_path: Path) -> None:
    target = tmp_path / "table.parquet"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    of_the_dead, of_the_living = (tmp_path / f".table.parquet.{pid}.tmp" for pid in (ended.pid, os.getppid()))
    for aside in (of_the_dead, of_the_living):
        aside.write_bytes(b"PAR1 half")
    with written_aside(target) as aside:
        aside.write_bytes(b"whole")
    assert not of_the_dead.exists()
    assert of_the_living.exists()
