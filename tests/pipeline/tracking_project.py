"""A finished small project, as DVC leaves it above `track`, and a tracking database made once per process."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest

from models.scorer import MODEL_JSON, Scorer, content_version
from pipeline.evaluation import Tested, curve_tables, measured
from pipeline.files import read_json, write_json, write_table
from pipeline.params import Params, load_params

ROOT = Path(__file__).parents[2]
CUTOFF = pd.Timestamp("2025-07-01", tz="UTC")
AS_OF = pd.Timestamp("2025-10-01", tz="UTC")
COLUMN = "days_since_last_order"
LEAKAGE = {"shuffled_label": {"mean_skill": -0.01, "max_skill": 0.03}, "highest_auc": 0.8, "auc_ceiling": 0.97}
PROOF = {"passed": True, "attempts": [{"attempt": name, "rows": rows} for name, rows in (("late", 9), ("order", 1736))]}
LOCK = """\
schema: '2.0'
stages:
  pull:
    cmd: python -m pipeline.pull
    deps:
    - {path: pipeline/pull.py, hash: md5, md5: 0123456789abcdef0123456789abcdef, size: 9}
    params:
      params.yaml:
        pull: {source: demo, demo: {seed: 7, customers: 400}, files: {orders: {path: null}}}
    outs:
    - {path: data/raw, hash: md5, md5: 1123456789abcdef0123456789abcdef.dir, size: 9, nfiles: 2}
  featurize:
    cmd: python -m pipeline.featurize
    deps:
    - {path: data/raw, hash: md5, md5: 1123456789abcdef0123456789abcdef.dir, size: 9, nfiles: 2}
    params:
      params.yaml:
        features: {half_lives_days: [14, 60]}
    outs:
    - {path: data/features/history.parquet, hash: md5, md5: 2123456789abcdef0123456789abcdef, size: 9}
  score:
    cmd: python -m pipeline.score
    params:
      params.yaml:
        score: {reasons: 3}
    outs:
    - {path: data/scores.parquet, hash: md5, md5: 9923456789abcdef0123456789abcdef, size: 9}
"""


@functools.cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="rekindle-store-"))
    # Migrated, but without our experiment: that one remembers where its artifacts lie.
    script = "import mlflow; mlflow.MlflowClient('sqlite:///mlflow.db').get_experiment_by_name('none')"
    subprocess.run([sys.executable, "-c", script], cwd=folder, env=store_free_environment(), check=True, timeout=120)
    return folder / "mlflow.db"


def store_free_environment() -> dict[str, str]:
    """The environment without anything that points to another store or experiment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DVC_"))}
    return kept | {"PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"}


def store_uri(folder: Path) -> str:
    """A private tracking store in a folder: a copy of the migrated template."""
    copied = shutil.copyfile(_template(), folder / "mlflow.db")
    return f"sqlite:///{copied}"


def entered(folder: Path, patch: pytest.MonkeyPatch) -> Params:
    """A finished project with a store of its own, the working directory in it, nothing of the caller's environment."""
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "DVC_"))]:
        patch.delenv(name)
    patch.chdir(folder)
    patch.setenv("DVC_ROOT", str(folder))
    patch.setenv("MLFLOW_TRACKING_URI", store_uri(folder))
    return project(folder)


def project(folder: Path) -> Params:
    """Params, lock, a model, its test rows and its reports; the working directory is the folder."""
    shutil.copyfile(ROOT / "params.yaml", folder / "params.yaml")
    for code in ("features", "models"):
        (folder / code).symlink_to(ROOT / code)
    (folder / "dvc.lock").write_text(LOCK, encoding="utf-8")
    params = load_params(folder / "params.yaml")
    write_history(folder, seed=1)
    put_model(folder, params, slope=1.0)
    return params


def write_history(folder: Path, seed: int, rows: int = 600, column: str = COLUMN) -> None:
    """Test rows whose chance to churn is really expit(days / 40 - 2)."""
    generator = np.random.default_rng(seed)
    days = generator.uniform(0.0, 200.0, rows).round()
    churned = (generator.uniform(size=rows) < _expit(days / 40.0 - 2.0)).astype(np.int8)
    ids = [f"c{number:04d}" for number in range(rows)]
    history = pd.DataFrame({"customer_id": ids, "cutoff": CUTOFF.as_unit("us"), column: days, "churned": churned})
    write_table(folder / "data/features/history.parquet", history)
    today = history.drop(columns="churned").rename(columns={"cutoff": "as_of"}).assign(as_of=AS_OF.as_unit("us"))
    write_table(folder / "data/features/current.parquet", today)
    write_json(folder / "data/features/catalogue.json", {"columns": [{"name": column, "family": "recency"}]})


def put_model(
    folder: Path,
    params: Params,
    slope: float,
    horizon_days: int = 90,
    trained_on: str = "2025-01-01",
    column: str = COLUMN,
) -> str:
    """A model that is right at slope 1 and the worse the farther from it, with what `evaluate` says about it."""
    for place in (folder / "data/model", folder / "data/model/evaluated/recency_rule"):
        place.mkdir(parents=True, exist_ok=True)
        (place / MODEL_JSON).write_bytes(orjson.dumps(_about(slope, horizon_days, trained_on, column)))
    history = pd.read_parquet(folder / "data/features/history.parquet")
    ours = Scorer.load(folder / "data/model")
    probability = ours.churn_probability(history[[history.columns[2]]].to_numpy(np.float64))
    base = np.full(len(history), float(history["churned"].mean()))
    candidates = {"recency_rule": probability, "logistic": base}
    _write_reports(folder, params, history, candidates, ours.model_version)
    return ours.model_version


def _write_reports(
    folder: Path, params: Params, history: pd.DataFrame, candidates: Mapping[str, np.ndarray], version: str
) -> None:
    ids, churned = history["customer_id"].to_numpy(object), history["churned"].to_numpy(np.int8)
    tested = Tested(ids, churned, candidates, "recency_rule")
    known = history[["customer_id", "cutoff", "churned"]].assign(orders_ever=1.0 + np.arange(len(history)) % 5)
    predictions = known.assign(churn_probability=tested.ours, **candidates)
    write_table(folder / "data/predictions.parquet", predictions)
    write_json(folder / "reports/metrics.json", measured(tested, params.evaluate) | {"model_version": version})
    backtest = {"log_loss": [0.5, 0.4], "mean_log_loss": 0.45, "regret": 0.0}
    chosen = {"chosen": "recency_rule", "origins": ["2025-01-01"], "candidates": dict.fromkeys(candidates, backtest)}
    write_json(folder / "reports/backtest.json", chosen | {"leakage": LEAKAGE})
    catalogue = folder / "data/features/catalogue.json"
    write_json(catalogue, read_json(catalogue) | {"leakage_proof": PROOF})
    (folder / "reports/plots").mkdir(exist_ok=True)
    for name, table in curve_tables(tested, bins=5).items():
        table.to_csv(folder / f"reports/plots/{name}.csv", index=False)


def _about(slope: float, horizon_days: int, trained_on: str, column: str) -> dict[str, object]:
    days = [0.0, 200.0]
    formula = {
        "kind": "recency_rule",
        "columns": [column],
        "days": days,
        "log_odds": [-2.0, 200.0 * slope / 40.0 - 2.0],
    }
    about: dict[str, object] = {
        "format": 1,
        "chosen": "recency_rule",
        "horizon_days": horizon_days,
        "active_days": 365,
        "half_lives_days": [14, 60],
        "absent": [],
        "feature_columns": [column],
        "formula": formula,
        "calibration": {"intercept": 0.0, "slope": 1.0},
        "trained_on": [trained_on],
        "calibrated_on": None,
        "golden": [],
    }
    return about | {"model_version": content_version(about, {})}  # type: ignore[arg-type]


def _expit(log_odds: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-log_odds))
