"""Runs to compare: the small project, tracked several times with another model, seed or question each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline import paths
from pipeline.files import read_json, read_table, write_table
from pipeline.params import Params
from pipeline.predicted import REASONS
from pipeline.promote import promote
from pipeline.track import track
from tests.pipeline.tracking_project import COLUMN, entered, put_model, write_history

GOOD, POOR = 1.0, 0.2


def start(folder: Path, patch: pytest.MonkeyPatch) -> Params:
    """The project in its folder with a store of its own, loose limits and few resamples."""
    params = entered(folder, patch)
    limits = {"max_calibration_error": 0.9, "min_skill": -9.0, "min_skill_over_baseline": -9.0}
    update = {
        "promote": params.promote.model_copy(update=limits),
        "evaluate": params.evaluate.model_copy(update={"resamples": 100}),
    }
    return params.model_copy(update=update)


def tracked(params: Params, name: str, slope: float, revenue: bool = True) -> str:
    """Track a model as an experiment of that name; returns the run's id."""
    put_model(Path(), params, slope)
    _add_what_evaluate_adds(steep=slope > POOR, revenue=revenue)
    os.environ["DVC_EXP_NAME"] = name
    try:
        track(params)
    finally:
        del os.environ["DVC_EXP_NAME"]
    return str(read_json(paths.MLFLOW_RUN)["run_id"])


def champion(params: Params) -> None:
    """Put the model at hand in force."""
    promote(params)


def other_rows(seed: int, rows: int = 600, start: int = 0) -> None:
    """Another history; `start` shifts the customers' numbers."""
    write_history(Path(), seed, rows)
    history = read_table(paths.HISTORY)
    history["customer_id"] = [f"c{number + start:04d}" for number in range(rows)]
    write_table(paths.HISTORY, history)


def lock(old: str, new: str) -> None:
    """Change what ran according to dvc.lock."""
    text = Path("dvc.lock").read_text(encoding="utf-8")
    assert old in text
    Path("dvc.lock").write_text(text.replace(old, new), encoding="utf-8")


def two_runs(folder: Path, patch: pytest.MonkeyPatch) -> tuple[Params, str, str]:
    """A good champion, and a later poor run with another param, more rows and another schema."""
    params = start(folder, patch)
    good = tracked(params, "brisk-otter", GOOD)
    champion(params)
    lock("customers: 400", "customers: 500")
    lock("2123456789abcdef0123456789abcdef", "2a23456789abcdef0123456789abcdef")
    history = read_table(paths.HISTORY)
    write_table(paths.HISTORY, history.assign(orders_90d=1.0))
    poor = tracked(params, "calm-heron", POOR)
    return params, good, poor


def _add_what_evaluate_adds(steep: bool, revenue: bool) -> None:
    """Orders, reasons, money; a model that is not steep also ranks by chance, so customers change deciles."""
    predictions = read_table(paths.PREDICTIONS)
    days = read_table(paths.HISTORY)[COLUMN].to_numpy(np.float64)
    if not steep:
        noise = np.random.default_rng(5).normal(0.0, 0.08, len(days))
        predictions["churn_probability"] = np.clip(predictions["churn_probability"] + noise, 0.01, 0.99)
    predictions["orders_ever"] = np.resize([1.0, 2.0, 5.0], len(days))
    if revenue:
        predictions["revenue_if_kept"] = np.resize([40.0, 120.0, 900.0, 150.0], len(days))
    table = pa.Table.from_pandas(predictions, preserve_index=False)
    feature = COLUMN if steep else "orders_<b>90d"
    reasons = [[{"feature": feature, "value": float(day), "direction": "raises"}] for day in days]
    write_table(paths.PREDICTIONS, table.append_column("reasons", pa.array(reasons, REASONS)))


def without_artifact(folder: Path, run_id: str, name: str) -> None:
    """Take a file away from a run's artifacts."""
    (found,) = (folder / "mlartifacts").rglob(f"{run_id}/artifacts/compare/{name}")
    found.unlink()
    if not any(found.parent.iterdir()):
        shutil.rmtree(found.parent)
