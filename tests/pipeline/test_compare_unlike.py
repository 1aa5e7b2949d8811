"""`python -m pipeline.compare` with runs that do not match, with one run alone, and with a server that is dead."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import ConfigError, DataError, TrackingError
from pipeline.compare import PAGE, compare
from pipeline.params import Params
from tests.pipeline.compare_runs import GOOD, champion, lock, other_rows, start, tracked, without_artifact
from tests.pipeline.tracking_project import store_free_environment


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A project of its own, not yet tracked."""
    return start(tmp_path, monkeypatch)


def test_one_run_alone_says_how_to_get_another(alone: Params) -> None:
    with pytest.raises(DataError, match=r"no finished run is in the tracking store; `make run`"):
        compare(alone)
    tracked(alone, "only", GOOD)
    with pytest.raises(DataError, match=r"only one finished run is there \(\w{8}\).*`make run` again"):
        compare(alone)
    with pytest.raises(ConfigError, match=r"is champion in the registry, or its run is gone. Name a run instead"):
        compare(alone, ["champion", "latest"])


def test_runs_on_other_rows_say_so_and_three_runs_share_a_page(alone: Params, tmp_path: Path) -> None:
    first = tracked(alone, "first", GOOD)
    champion(alone)
    other_rows(seed=1, rows=600, start=200)
    second = tracked(alone, "second", GOOD)
    other_rows(seed=1, rows=600, start=5000)
    tracked(alone, "third", GOOD)
    said = compare(alone, ["first", "second", "third"])
    html = PAGE.read_text(encoding="utf-8")
    assert "tested on different rows (600 in A, 600 in B)" in html
    assert "Quality is not compared, because" in html
    assert "share no test row" in said
    assert html.count("<article") == 2
    without_artifact(tmp_path, second, "data.json")
    assert "B second" in compare(alone, [first, second])
    assert "one of the runs kept no samples" in PAGE.read_text(encoding="utf-8")
    without_artifact(tmp_path, second, "predictions.parquet")
    with pytest.raises(DataError, match=rf"run {second[:8]} \(second\) holds no test predictions.*--single-item track"):
        compare(alone, [first, second])


def test_the_champion_as_the_latest_run_is_compared_with_the_run_before(alone: Params) -> None:
    tracked(alone, "first", 0.5)
    lock("customers: 400", "customers: 500")
    tracked(alone, "second", GOOD)
    champion(alone)
    assert re.search(r"A first and B second: .*B is (probably )?better", compare(alone))


def test_a_run_that_kept_no_expected_revenue_has_no_profit_and_the_page_says_so(alone: Params) -> None:
    first = tracked(alone, "with", GOOD)
    lock("customers: 400", "customers: 500")
    second = tracked(alone, "without", GOOD, revenue=False)
    compare(alone, [first, second])
    html = PAGE.read_text(encoding="utf-8")
    assert "No profit curve: one of the runs recorded one." in html
    assert "Left to its own rule" not in html


def test_a_dead_server_is_told_at_once_on_the_command_line(alone: Params, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address = f"http://clerk:hush@127.0.0.1:{port}"
    environment = store_free_environment() | {"MLFLOW_TRACKING_URI": address}
    command = [sys.executable, "-m", "pipeline.compare", "champion", "latest"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert re.match(r"compare: the tracking store http://clerk:\*\*\*@127.* does not answer", done.stderr)
    assert "Start the server or mend MLFLOW_TRACKING_URI, then compare again." in done.stderr
    assert "Traceback" not in done.stderr
    os.environ["MLFLOW_TRACKING_URI"] = address
    with pytest.raises(TrackingError, match=r"then compare again"):
        compare(alone)
