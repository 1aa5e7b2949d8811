"""How a stage ends: a result line, a clear error with exit code 1, or the traceback of a bug."""

from __future__ import annotations

from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits  # type: ignore[import-untyped]

from features.errors import DataError
from pipeline.params import Params
from pipeline.stage import run_stage

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_a_stage_prints_one_result_line(capsys: pytest.CaptureFixture[str]) -> None:
    run_stage("score", lambda params: f"{params.snapshots.horizon_days} days")
    assert capsys.readouterr().out.startswith("score: 90 days (")


def test_a_stage_sums_in_one_order_whatever_the_number_of_cores() -> None:
    seen: list[int] = []

    def threads(_: Params) -> str:
        seen.extend(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return "done"

    with threadpool_limits(2, user_api="blas"):
        run_stage("evaluate", threads)
    assert set(seen) == {1}


def test_a_user_error_is_one_line_and_exit_code_1() -> None:
    def fail(_: Params) -> str:
        raise DataError("no orders are left. See reports/quality.json.")

    with pytest.raises(SystemExit, match=r"^check: no orders are left\. See reports/quality\.json\.$"):
        run_stage("check", fail)


def test_a_full_disk_says_where_and_what_to_do() -> None:
    def fail(_: Params) -> str:
        raise OSError(28, "No space left on device", "data/clean/orders.parquet")

    with pytest.raises(SystemExit, match=r"No space left on device \(data/clean/orders\.parquet\)\. Free space"):
        run_stage("check", fail)


def test_a_bug_keeps_its_traceback() -> None:
    def fail(_: Params) -> str:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        run_stage("check", fail)
