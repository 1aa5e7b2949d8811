"""The model registry: which version the alias `champion` names, and how it moves there and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from features.errors import ModelError
from pipeline.tracking.runs import MODEL_NAME
from pipeline.tracking.store import Store, tracking_errors

ALIAS = "champion"
VERDICT = "gate.json"
VERSION_TAG, REPLACES_TAG, WITHDRAWN_TAG = "model_version", "replaces", "withdrawn"
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # how a missing name and a missing alias are told


@dataclass(frozen=True)
class Registered:
    """A registered version: its number there, the run it came from, and the model's own content version."""

    number: str
    run_id: str
    model_version: str
    replaces: str | None


def in_force(store: Store, name: str) -> Registered | None:
    """The version that the alias names, or None."""
    with tracking_errors(store.uri):
        try:
            return _registered(store.client.get_model_version_by_alias(name, ALIAS))
        except MlflowException as error:
            if error.error_code in ABSENT:
                return None
            raise


def find(store: Store, name: str, model_version: str) -> Registered | None:
    """The earliest registered version with that content, or None."""
    same = [version for version in _versions(store, name) if version.tags.get(VERSION_TAG) == model_version]
    return _registered(min(same, key=lambda version: int(version.version))) if same else None


def versions(store: Store, name: str) -> list[Registered]:
    """Every registered version."""
    return [_registered(version) for version in _versions(store, name)]


def is_withdrawn(store: Store, name: str, model_version: str) -> bool:
    """Was a version with that content rolled back by hand?"""
    tags = [v.tags for v in _versions(store, name) if v.tags.get(VERSION_TAG) == model_version]
    return any(WITHDRAWN_TAG in each for each in tags)


def download(store: Store, name: str, version: Registered, into: Path) -> Path:
    """Fetch a version's model folder."""
    with tracking_errors(store.uri):
        uri = f"models:/{name}/{version.number}/artifacts"
        fetched = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(into)))
    folders = sorted(fetched.glob("*/model.json"))
    if not folders:
        raise ModelError(
            f"version {version.number} of {name} holds no model.json; set the alias {ALIAS} to another version."
        )
    return folders[0].parent


def recorded_verdict(store: Store, version: Registered) -> dict[str, object] | None:
    """The gate's record that was kept with a version."""
    with tracking_errors(store.uri):
        kept = [file.path for file in store.client.list_artifacts(version.run_id)]
        text = mlflow.artifacts.load_text(f"runs:/{version.run_id}/{VERDICT}") if VERDICT in kept else "null"
    verdict: dict[str, object] | None = json.loads(text)
    return verdict


def put_in_force(store: Store, name: str, run_id: str, tags: Mapping[str, str], verdict: Mapping[str, object]) -> str:
    """Register the run's model unless its content is known, keep the verdict, move the alias; returns the number."""
    before = in_force(store, name)
    known = find(store, name, tags[VERSION_TAG])
    with tracking_errors(store.uri):
        number = known.number if known else _register(store, name, run_id)
        for key, value in tags.items():
            store.client.set_model_version_tag(name, number, key, value)
        if before and before.number != number:
            store.client.set_model_version_tag(name, number, REPLACES_TAG, before.number)
        store.client.log_text(known.run_id if known else run_id, json.dumps(verdict, indent=2), VERDICT)
        store.client.set_registered_model_alias(name, ALIAS, number)
    return number


def before(store: Store, name: str) -> tuple[Registered, Registered]:
    """The version in force, and the one to go back to: who was replaced last and is not withdrawn itself."""
    now = in_force(store, name)
    back, seen = now, set()
    while back is not None and (back == now or is_withdrawn(store, name, back.model_version)):
        seen.add(back.number)
        # Who came back after having been replaced closes a ring.
        back = None if back.replaces is None or back.replaces in seen else _version(store, name, back.replaces)
    if now is None or back is None:
        raise ModelError(f"{name} has no earlier version in the registry to go back to.")
    return now, back


def withdraw(store: Store, name: str, now: Registered, back: Registered) -> None:
    """Move the alias from one version to another, and keep the first out from now on."""
    with tracking_errors(store.uri):
        store.client.set_model_version_tag(name, now.number, WITHDRAWN_TAG, "rolled back by hand")
        store.client.set_registered_model_alias(name, ALIAS, back.number)


def _register(store: Store, name: str, run_id: str) -> str:
    known = [model.name for model in store.client.search_registered_models(f"name = '{name}'")]
    if name not in known:
        store.client.create_registered_model(name)
    models = store.client.search_logged_models(
        [store.experiment_id], f"source_run_id = '{run_id}' AND name = '{MODEL_NAME}'"
    )
    if not models:
        store.client.get_run(run_id)  # says which run is missing
        raise ModelError(f"run {run_id} holds no model; log it again: `dvc repro --force --single-item track`.")
    model = models[0]
    made = store.client.create_model_version(name, model.artifact_location, run_id, model_id=model.model_id)
    return str(made.version)


def _version(store: Store, name: str, number: str) -> Registered:
    with tracking_errors(store.uri):
        return _registered(store.client.get_model_version(name, number))


def _versions(store: Store, name: str) -> list[ModelVersion]:
    with tracking_errors(store.uri):
        return list(store.client.search_model_versions(f"name = '{name}'", max_results=1000))


def _registered(version: ModelVersion) -> Registered:
    tags = version.tags
    return Registered(str(version.version), version.run_id, tags.get(VERSION_TAG, ""), tags.get(REPLACES_TAG))
