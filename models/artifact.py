"""The model as files: `model.json` (everything but the trees), `trees.onnx` (to score), `trees.ubj` (to explain).

Equal fits give equal bytes. A candidate without trees has no tree files. What is saved here, models/scorer.py loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import orjson
import pandas as pd

from features.asof import Settings
from models.candidate import Candidate
from models.formulas import Formula, parts, probability
from models.onnx_trees import onnx_of
from models.plain import Json, texts
from models.scorer import FORMAT, MODEL_JSON, TREES_ONNX, TREES_UBJ, content_version
from models.training import Trained

GOLDEN_ROWS = 5


def save_model(folder: Path, trained: Trained, settings: Settings, examples: pd.DataFrame) -> str:
    """Write the artifact into an existing folder; returns the version. `examples`: where golden rows come from."""
    files = model_files(trained, settings, examples)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return str(orjson.loads(files[MODEL_JSON])["model_version"])


def model_files(trained: Trained, settings: Settings, examples: pd.DataFrame) -> dict[str, bytes]:
    """File name to content."""
    trees = _tree_files(trained.candidate)
    about: dict[str, Json] = {
        "format": FORMAT,
        "chosen": trained.name,
        "horizon_days": settings.horizon_days,
        "active_days": settings.active_days,
        "half_lives_days": list(settings.half_lives_days),
        "absent": [*sorted(settings.absent)],
        "extra": [*settings.extra],
        "left_out": [*sorted(settings.left_out)],
        "feature_columns": [str(name) for name in trained.candidate.feature_names_in_],
        "formula": trained.candidate.formula_,
        "calibration": {"intercept": trained.calibration.intercept, "slope": trained.calibration.slope},
        "trained_on": list(trained.trained_on),
        "calibrated_on": trained.calibrated_on,
        "training_rows": trained.rows,
        "training_churn_rate": trained.churn_rate,
        "notes": list(trained.notes),
        "dropped_columns": list(trained.dropped_columns),  # constant or empty in training
        "golden": _golden(trained, examples),
    }
    about["model_version"] = content_version(about, trees)
    return {MODEL_JSON: orjson.dumps(about, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n", **trees}


def _tree_files(candidate: Candidate) -> Mapping[str, bytes]:
    if candidate.booster_ is None:
        return {}
    width = len(texts(_trees_part(candidate.formula_)["columns"]))
    return {TREES_ONNX: onnx_of(candidate.booster_, width), TREES_UBJ: bytes(candidate.booster_.save_raw("ubj"))}


def _trees_part(formula: Formula) -> Formula:
    return next(part for part in parts(formula) if part["kind"] == "trees")


def _golden(trained: Trained, examples: pd.DataFrame) -> list[Json]:
    """Rows spread from the surest to stay to the surest to go, so that every part of the model is exercised."""
    scores = probability(trained.churn_log_odds(examples))
    order = np.argsort(scores, kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, GOLDEN_ROWS).astype(int)]
    columns = [str(name) for name in trained.candidate.feature_names_in_]
    values = examples[columns].to_numpy(dtype=np.float64, na_value=np.nan)[chosen]
    return [
        {"values": [None if np.isnan(cell) else float(cell) for cell in row], "churn_probability": float(scores[place])}
        for row, place in zip(values, chosen, strict=True)
    ]
