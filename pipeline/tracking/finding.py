"""Finds runs by what people call them, and fetches what a run kept for a comparison."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from features.errors import ConfigError, DataError
from pipeline.tracking import registry
from pipeline.tracking.store import Store, tracking_errors

CHAMPION, LATEST = registry.ALIAS, "latest"
MOST_RUNS = 1000
SHORTEST = 4  # characters of a run id or model version that may stand for the whole
COMPARE = "compare"  # the artifact folder


@dataclass(frozen=True)
class Shelf:
    """All finished runs of the pipeline, newest first, and the run of the champion."""

    store: Store
    model_name: str
    runs: Sequence[Run]
    champion: str | None


def shelf(store: Store, model_name: str) -> Shelf:
    """Read the list of runs. Raises DataError when there is none, TrackingError when nobody answers."""
    with tracking_errors(store.uri):
        order = ["attributes.start_time DESC"]
        filter_ = "attributes.status = 'FINISHED'"
        found = store.client.search_runs([store.experiment_id], filter_, max_results=MOST_RUNS, order_by=order)
    runs = [run for run in found if MLFLOW_PARENT_RUN_ID not in run.data.tags]
    if not runs:
        raise DataError("no finished run is in the tracking store; `make run` makes one.")
    current = registry.in_force(store, model_name)
    return Shelf(store, model_name, runs, current.run_id if current else None)


def pair(known: Shelf) -> tuple[Run, Run]:
    """The champion and the latest run; where they are one, the run before and the latest."""
    if len(known.runs) < 2:
        raise DataError(
            f"only one finished run is there ({known.runs[0].info.run_id[:8]}), so it has nothing to be compared with. "
            "Change params.yaml and run `make run` again, or `dvc exp run --set-param train.xgboost.max_depth=3`."
        )
    latest = known.runs[0]
    champion = next((run for run in known.runs if run.info.run_id == known.champion), None)
    is_other = champion is not None and champion.info.run_id != latest.info.run_id
    return (champion, latest) if is_other and champion else (known.runs[1], latest)


def run_of(known: Shelf, wanted: str) -> Run:
    """The run of `champion`, `latest`, a run id, its first digits, a model version, or an experiment's name."""
    if wanted == LATEST:
        return known.runs[0]
    if wanted == CHAMPION:
        return _champion(known)
    for matches in (_by_id(known, wanted), _by_version(known, wanted), _by_name(known, wanted)):
        if matches:
            return matches[0]
    raise ConfigError(f"no finished run is called {wanted!r}.{_nearest(known, wanted)}")


def fetched(known: Shelf, run: Run, name: str, into: Path) -> Path | None:
    """One file of a run's `compare` folder, downloaded; None when the run does not hold it."""
    client, run_id = known.store.client, run.info.run_id
    with tracking_errors(known.store.uri):
        held = {file.path for file in client.list_artifacts(run_id, COMPARE)}
        if f"{COMPARE}/{name}" not in held:
            return None
        (into / run_id).mkdir(parents=True, exist_ok=True)
        return Path(client.download_artifacts(run_id, f"{COMPARE}/{name}", str(into / run_id)))


def steps(known: Shelf, run: Run, metric: str) -> dict[int, float]:
    """A stepped metric, the latest value of each step; empty when the run has none."""
    if metric not in run.data.metrics:
        return {}
    with tracking_errors(known.store.uri):
        return {point.step: point.value for point in known.store.client.get_metric_history(run.info.run_id, metric)}


def name_of(run: Run) -> str:
    """The DVC experiment, else the name in MLflow."""
    return str(run.data.tags.get("dvc.exp") or run.info.run_name or run.info.run_id[:8])


def _champion(known: Shelf) -> Run:
    found = next((run for run in known.runs if run.info.run_id == known.champion), None)
    if found is None:
        raise ConfigError(
            f"no version of {known.model_name} is champion in the registry, or its run is gone. "
            f"Name a run instead: {_names(known)}."
        )
    return found


def _by_id(known: Shelf, wanted: str) -> list[Run]:
    """By the whole id or its first digits; raises ConfigError when these fit several runs."""
    if len(wanted) < SHORTEST:
        return []
    found = [run for run in known.runs if run.info.run_id.startswith(wanted.lower())]
    if len(found) > 1:
        ids = ", ".join(run.info.run_id[: len(wanted) + 4] for run in found[:5])
        raise ConfigError(f"{len(found)} runs begin with {wanted}: {ids}. Give more digits.")
    return found


def _by_version(known: Shelf, wanted: str) -> list[Run]:
    """By the model's content version or its first digits, or by its number in the registry (`3`, `v3`)."""
    number = re.fullmatch(r"v?(\d{1,3})", wanted)
    if number:
        versions = {found.number: found.run_id for found in registry.versions(known.store, known.model_name)}
        return [run for run in known.runs if run.info.run_id == versions.get(number[1])]
    if len(wanted) < SHORTEST:
        return []
    found = [run for run in known.runs if _version(run).startswith(wanted.lower())]
    if len({_version(run) for run in found}) > 1:
        raise ConfigError(f"several model versions begin with {wanted}; give more digits.")
    return found


def _by_name(known: Shelf, wanted: str) -> list[Run]:
    return [run for run in known.runs if wanted in (name_of(run), run.info.run_name)]


def _version(run: Run) -> str:
    return str(run.data.tags.get(registry.VERSION_TAG, ""))


def _nearest(known: Shelf, wanted: str) -> str:
    names = [CHAMPION, LATEST]
    for run in known.runs:
        names += [name_of(run), run.info.run_id[:8], _version(run)]
    near = difflib.get_close_matches(wanted, [name for name in names if name], n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else f" There are {_names(known)}."


def _names(known: Shelf) -> str:
    told = [f"{run.info.run_id[:8]} ({name_of(run)})" for run in known.runs[:5]]
    more = len(known.runs) - len(told)
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")
