"""The tracking store: found, created or upgraded once under a lock, and asked with short patience."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from requests.exceptions import RequestException
from sqlalchemy.exc import SQLAlchemyError

from features.errors import TrackingError
from pipeline.paths import project_root

EXPERIMENT = "rekindle"
# Opens the experiment's page in the view for models, not in the one for chat traces.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
# MLflow's own patience with a dead server is about four minutes.
PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Store:
    """An open tracking store with the project's experiment."""

    client: MlflowClient
    uri: str
    experiment_id: str


def tracking_uri() -> str:
    """`MLFLOW_TRACKING_URI`, else a SQLite file in the project's root; a relative file is taken from that root."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}mlflow.db"
    is_relative = uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_absolute()
    return f"{SQLITE}{project_root() / uri.removeprefix(SQLITE)}" if is_relative else uri


def open_store() -> Store:
    """Connect; a fresh database is created by one process while others wait. Raises TrackingError."""
    uri = tracking_uri()
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    _quiet()
    with tracking_errors(uri), _one_at_a_time(uri):
        mlflow.set_tracking_uri(uri)
        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name(EXPERIMENT)
        return Store(client, uri, _experiment_id(client, uri, experiment))


@contextmanager
def tracking_errors(uri: str) -> Iterator[None]:
    """Turn what a dead or refusing server raises into a TrackingError that says how to go on."""
    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError) as error:
        stage = os.environ.get("DVC_STAGE", "track")
        first = without_password(str(error).strip().splitlines()[0])
        if isinstance(error, MlflowException) and error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise TrackingError(
                f"the tracking store {without_password(uri)} does not hold what an earlier stage left there: {first}\n"
                "Was it moved or emptied? `dvc repro --force --single-item track` logs the run again, then `dvc repro`."
            ) from error
        raise TrackingError(
            f"the tracking store {without_password(uri)} does not answer: {first[:300]}\n"
            "The training is not lost: its outputs are in place and in DVC's cache. Start the server or mend "
            f"MLFLOW_TRACKING_URI, then run `dvc repro {stage}`; only what is missing runs."
        ) from error


def without_password(text: str) -> str:
    """A URL's password is never printed."""
    return re.sub(r"(://[^/@:\s]*):[^/@\s]*@", r"\1:***@", text)


def _experiment_id(client: MlflowClient, uri: str, experiment: Experiment | None) -> str:
    if experiment is None:
        # A server keeps artifacts where it wants; beside our own SQLite file they lie in the project's root.
        root = (project_root() / "mlartifacts").as_uri() if uri.startswith(SQLITE) else None
        made: str = client.create_experiment(EXPERIMENT, artifact_location=root, tags=EXPERIMENT_TAGS)
        return made
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _quiet() -> None:
    """The stage says what happens in its own words; MLflow's hints are for people who write MLflow code."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for module in ("mlflow", "sqlalchemy"):
        warnings.filterwarnings("ignore", module=module)


@contextmanager
def _one_at_a_time(uri: str) -> Iterator[None]:
    if not uri.startswith(SQLITE):
        yield
        return
    path = Path(uri.removeprefix(SQLITE))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several starts on a fresh file would each run the migrations, and all but one crash.
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
