"""Models put before the gate of a small finished project, and what the registry and the files say then."""

from __future__ import annotations

import json
from pathlib import Path

from models.scorer import Scorer
from pipeline.files import write_json
from pipeline.params import Params
from pipeline.promote import promote
from pipeline.tracking import registry, runs
from pipeline.tracking.store import open_store
from tests.pipeline.tracking_project import COLUMN, put_model

GOOD, FAIR, WORSE, FLAT = 1.0, 0.7, 0.2, 0.0


def loose(params: Params, **limits: float) -> Params:
    """Params whose calibration limit no model here breaks, unless said otherwise."""
    wide = {"max_calibration_error": 0.9, "min_skill": -9.0, "min_skill_over_baseline": -9.0, "max_segment_gap": 0.9}
    return params.model_copy(update={"promote": params.promote.model_copy(update=wide | limits)})


def run(params: Params, slope: float | None = None, **model: object) -> str:
    """Track and promote a model; returns its version."""
    version = put_model(Path(), params, slope, **model) if slope is not None else ""  # type: ignore[arg-type]
    log()
    promote(params)
    return version


def log() -> None:
    """What the gate needs of `track`: a run that holds the model."""
    store = open_store()
    with runs.recorded_run(store, "run", {}) as run_id:
        runs.log_model(store, run_id, Path("data/model"), [COLUMN])
    write_json(Path("reports/mlflow_run.json"), {"run_id": run_id})


def alias(params: Params) -> str | None:
    """The version that the registry calls the champion."""
    found = registry.in_force(open_store(), params.promote.model_name)
    return found.model_version if found else None


def gate() -> dict[str, object]:
    """The verdict as it was written."""
    verdict: dict[str, object] = json.loads(Path("reports/gate.json").read_text())
    return verdict


def champion() -> str:
    """The version in `data/champion`."""
    return Scorer.load(Path("data/champion")).model_version


def outs() -> dict[str, bytes]:
    """The bytes of all that the stage writes."""
    files = [Path("reports/gate.json"), Path("reports/in_force.json"), *sorted(Path("data/champion").rglob("*"))]
    return {str(file): file.read_bytes() for file in files if file.is_file()}


def text(name: str) -> str:
    """What a check of the verdict says."""
    return next(str(check["text"]) for check in gate()["checks"] if check["name"] == name)  # type: ignore[attr-defined]


def failed() -> list[str]:
    """The checks of the verdict that do not hold."""
    return [check["name"] for check in gate()["checks"] if not check["ok"]]  # type: ignore[attr-defined]
