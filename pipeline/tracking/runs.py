"""Writes a run into the tracking store: parent, one child per candidate, datasets, model and reports."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE

from features.errors import TrackingError
from pipeline.tracking.record import Steps
from pipeline.tracking.store import Store, tracking_errors

MODEL_NAME = "model"
FOLDER = "churn_model"  # of the model's own files, inside the logged model
METRICS_AT_ONCE = 1000  # MLflow's limits of one batch
PARAMS_AT_ONCE = 100
REQUIREMENTS = ("mlflow", "numpy", "onnxruntime", "orjson", "pandas", "pydantic")
CODE = ["features", "models"]


@contextmanager
def recorded_run(store: Store, name: str, tags: Mapping[str, str], parent: str | None = None) -> Iterator[str]:
    """A run that ends FINISHED when the block ends well, else FAILED; yields its id. MLFLOW_RUN_ID plays no part."""
    above = {MLFLOW_PARENT_RUN_ID: parent} if parent else {}
    source = {MLFLOW_SOURCE_NAME: "dvc repro", MLFLOW_SOURCE_TYPE: "PROJECT"}
    with tracking_errors(store.uri):
        made = store.client.create_run(store.experiment_id, run_name=name, tags=source | above | dict(tags))
    run_id: str = made.info.run_id
    try:
        yield run_id
    except BaseException:
        with suppress(TrackingError), tracking_errors(store.uri):  # a dead server must not hide the first error
            store.client.set_terminated(run_id, "FAILED")
        raise
    with tracking_errors(store.uri):
        store.client.set_terminated(run_id, "FINISHED")


def log_values(store: Store, run_id: str, params: Mapping[str, str], metrics: Mapping[str, float]) -> None:
    """Params and single metrics."""
    now = int(time.time() * 1000)
    entries = [Param(name, value) for name, value in sorted(params.items())]
    values = [Metric(name, value, now, 0) for name, value in sorted(metrics.items())]
    with tracking_errors(store.uri):
        for some in _batches(entries, PARAMS_AT_ONCE):
            store.client.log_batch(run_id, params=some)
        store.client.log_batch(run_id, metrics=values)


def log_curves(store: Store, run_id: str, curves: Steps) -> None:
    """Curves as metrics with steps."""
    now = int(time.time() * 1000)
    points = [Metric(name, y, now, step) for name, curve in curves.items() for step, y in sorted(curve.items())]
    with tracking_errors(store.uri):
        for some in _batches(points, METRICS_AT_ONCE):
            store.client.log_batch(run_id, metrics=some)


def log_datasets(store: Store, run_id: str, digests: Mapping[str, str], context: Mapping[str, str]) -> None:
    """One entry per DVC output, its digest being DVC's; `context` says what a path is used for."""
    inputs = [
        DatasetInput(
            Dataset(path, digests[path], "dvc", json.dumps({"path": path, "md5": digests[path]})),
            [InputTag("mlflow.data.context", use)],
        )
        for path, use in context.items()
        if path in digests
    ]
    with tracking_errors(store.uri):
        store.client.log_inputs(run_id, inputs)


def log_model(store: Store, run_id: str, folder: Path, feature_columns: Sequence[str]) -> None:
    """The model folder with a signature of doubles; loading it runs our scorer from the stored code."""
    signature = ModelSignature(
        inputs=Schema([ColSpec("double", name) for name in feature_columns]),
        outputs=Schema([ColSpec("double", "churn_probability")]),
    )
    with tracking_errors(store.uri), mlflow.start_run(run_id=run_id):
        mlflow.pyfunc.log_model(
            name=MODEL_NAME,
            python_model=str(Path(__file__).with_name("churn_pyfunc.py")),
            artifacts={FOLDER: str(folder)},
            code_paths=CODE,
            signature=signature,
            pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
        )


def log_files(store: Store, run_id: str, files: Sequence[Path], folder: str) -> None:
    """Files as artifacts; those that are not there are left out."""
    with tracking_errors(store.uri):
        for file in files:
            if file.exists():
                store.client.log_artifact(run_id, str(file), folder)


def _batches(entries: list[Param] | list[Metric], at_once: int) -> Iterator[list[Param] | list[Metric]]:
    yield from (entries[first : first + at_once] for first in range(0, len(entries), at_once))
