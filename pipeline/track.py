"""Stage `track`: records the finished run in MLflow. It reads what DVC already holds, so a dead server costs no fit."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import cast

from pipeline import paths
from pipeline.files import read_json, write_json, write_table
from pipeline.params import Params
from pipeline.stage import progress, run_stage
from pipeline.tracking import runs
from pipeline.tracking.facts import column_samples, kept_rows, stepped, table_facts
from pipeline.tracking.lineage import Lineage, context_tags, read_lineage
from pipeline.tracking.record import candidate_metrics, curves, proof_tag, run_metrics, scorecard
from pipeline.tracking.store import Store, open_store
from pipeline.tracking.trials import record_trials, tuning_tags

DATASETS = {
    str(paths.CLEAN): "source",
    str(paths.HISTORY): "training",
    str(paths.CURRENT): "scoring",
    str(paths.PREDICTIONS): "test",
}
REPORTS = [paths.QUALITY, paths.BACKTEST, paths.TUNING, paths.METRICS, paths.MODEL_CARD, paths.PLOTS]
Tree = Mapping[str, object]


def track(params: Params) -> str:
    """Record params, metrics, curves, candidates, digests, model and reports; writes its id and a scorecard."""
    metrics, backtest = read_json(paths.METRICS), read_json(paths.BACKTEST)
    tuning = read_json(paths.TUNING) if paths.TUNING.exists() else {}
    lineage = read_lineage(params)

    store = open_store()
    version = str(metrics["model_version"])
    tags = {"model_version": version, "chosen": str(metrics["chosen"])} | proof_tag(read_json(paths.CATALOGUE))
    tags |= lineage.tags() | context_tags() | tuning_tags(tuning)
    with runs.recorded_run(store, tags.get("dvc.exp", version), tags) as run_id:
        record(store, run_id, lineage, metrics, backtest)
        children = record_candidates(store, run_id, metrics, backtest)
        record_trials(store, run_id, tuning)
        runs.log_files(store, run_id, [file for file in REPORTS if file.exists()], "reports")
        log_comparable(store, run_id)

    run = {"run_id": run_id, "experiment_id": store.experiment_id, "candidates": children}
    write_json(paths.MLFLOW_RUN, run)
    write_json(paths.SCORECARD, scorecard(metrics))
    return f"run {run_id} with {len(lineage.params)} params, {len(children)} candidates, {len(lineage.outs)} digests"


def record(store: Store, run_id: str, lineage: Lineage, metrics: Tree, backtest: Tree) -> None:
    """Everything of the parent run but its reports."""
    columns = cast("list[str]", read_json(paths.MODEL / "model.json")["feature_columns"])
    progress(f"logging {len(lineage.params)} params and the model with {len(columns)} columns")
    runs.log_values(store, run_id, lineage.params, run_metrics(metrics, backtest))
    chosen = str(metrics["chosen"])
    runs.log_curves(store, run_id, curves(paths.PLOTS, chosen) | stepped(backtest, chosen))
    runs.log_datasets(store, run_id, lineage.outs, DATASETS)
    runs.log_model(store, run_id, paths.MODEL, columns)


def record_candidates(store: Store, parent: str, metrics: Tree, backtest: Tree) -> dict[str, str]:
    """One nested run per candidate; returns their ids."""
    names = sorted(cast("Mapping[str, object]", backtest["candidates"]))
    progress(f"logging {len(names)} candidates as nested runs")
    children: dict[str, str] = {}
    for name in names:
        with runs.recorded_run(store, name, {"candidate": name}, parent) as run_id:
            runs.log_values(store, run_id, {"candidate": name}, candidate_metrics(name, metrics, backtest))
            runs.log_curves(store, run_id, curves(paths.PLOTS, name) | stepped(backtest, name))
        children[name] = run_id
    return children


def log_comparable(store: Store, run_id: str) -> None:
    """What `pipeline.compare` needs of this run once its data is gone."""
    told = {
        "tables": table_facts([Path(place) for place in DATASETS]),
        "samples": column_samples(paths.HISTORY),
        "columns": read_json(paths.CATALOGUE).get("columns", []),
    }
    with tempfile.TemporaryDirectory() as scratch:
        rows, facts = Path(scratch, paths.PREDICTIONS.name), Path(scratch, "data.json")
        write_table(rows, kept_rows(paths.PREDICTIONS))
        write_json(facts, told)
        runs.log_files(store, run_id, [rows, facts], "compare")


def _stop(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)  # so that an aborted run is still marked FAILED
    run_stage("track", track)
