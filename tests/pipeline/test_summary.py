"""The summary at the end of a run: its numbers, its width, and what it says when a stage has not run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from features.errors import DataError
from pipeline import paths
from pipeline.files import write_json, write_table
from pipeline.summary import NAMES, main, metric_lines, plan_lines, summary

INTERVAL = {"value": 0.8421, "low": 0.8352, "high": 0.8494}
METRICS: dict[str, object] = {
    "test_cutoff": "2025-10-01T00:00:00+00:00",
    "customers": 14210,
    "horizon_days": 90,
    "interval_share": 0.95,
    "churn_rate": {"value": 0.612, "low": 0.604, "high": 0.62},
    "chosen": "blend",
    "model_version": "m-0123456789ab",
    "metrics": {
        name: {"ours": INTERVAL, "best_baseline": {"name": "xgboost", "value": 0.8, "low": 0.79, "high": 0.81}}
        for name in NAMES
    },
    "oracle": {"roc_auc": 0.911, "log_loss": 0.333},
}
PLAN: dict[str, object] = {
    "customers": 1000,
    "contacted": 200,
    "by_action": {"follow_up": 150, "reason_survey": 50},
    "by_gate": {"too_little_value": 600, "no_consent": 110, "control": 90},
}


def test_a_metric_stands_with_its_interval_beside_the_best_baseline() -> None:
    (line,) = [line for line in metric_lines(METRICS) if line.startswith("AUC")]
    assert line.split() == ["AUC", "↑", "0.842", "(0.835–0.849)", "0.800", "(0.790–0.810)", "xgboost"]


def test_every_metric_has_its_line_and_the_churn_rate_comes_first() -> None:
    lines = metric_lines(METRICS)
    assert "churn in 90 days" in lines[1]
    assert "61.2 % (60.4–62.0)" in lines[1]
    assert [sum(line.startswith(label) for line in lines) for label in NAMES.values()] == [1] * len(NAMES)


def test_the_oracle_has_a_line_only_where_there_is_one() -> None:
    assert any("AUC 0.911, log loss 0.333" in line for line in metric_lines(METRICS))
    without = {key: value for key, value in METRICS.items() if key != "oracle"}
    assert not any(line.startswith("oracle") for line in metric_lines(without))


def test_a_run_without_single_methods_says_so() -> None:
    alone = {**METRICS, "metrics": {name: {"ours": INTERVAL, "best_baseline": None} for name in NAMES}}
    assert "none was fitted" in "\n".join(metric_lines(alone))


def test_the_plan_says_who_is_contacted_and_why_the_rest_is_not() -> None:
    text = " ".join(" ".join(plan_lines(PLAN)).split())
    assert "200 of 1,000 (20.0 %): follow up 150 · reason survey 50" in text
    assert "800: too little value 600 · no consent 110 · control 90" in text


def test_the_summary_names_the_scored_and_fits_a_hundred_columns(run_folder: Path) -> None:
    lines = summary()
    assert "3 customers as of 2026-01-01, 2 more likely to leave than to stay" in "\n".join(lines)
    assert "reports/report.html" in "\n".join(lines)
    assert max(map(len, lines)) <= 100


def test_before_a_run_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"summary: reports/metrics.json is not there; run `dvc repro`"):
        main()


def test_a_report_of_another_make_is_refused() -> None:
    with pytest.raises(DataError, match="a report has no number contacted"):
        plan_lines({"customers": 3})


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_json(paths.METRICS, METRICS)
    write_json(paths.PLAN_COUNTS, PLAN)
    day = pd.Timestamp("2026-01-01", tz="UTC")
    write_table(paths.SCORES, pd.DataFrame({"as_of": [day] * 3, "churn_probability": [0.9, 0.6, 0.1]}))
    return tmp_path
