"""A small shop through the real stages, with XGBoost alone as the model in force, and the same model for the peers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import orjson
import xgboost as xgb
import yaml

from models.scorer import TREES_UBJ
from pipeline import paths
from pipeline.check import check
from pipeline.evaluate import evaluate
from pipeline.featurize import featurize
from pipeline.files import read_json, read_table
from pipeline.params import load_params
from pipeline.plan import plan
from pipeline.pull import pull
from pipeline.score import score
from pipeline.train import train

_PARAMS = Path(__file__).parents[2] / "params.yaml"
ROUNDS, DEPTH = 300, 5
BODIES = 200
EVENTS = 1_000


@dataclass(frozen=True)
class Home:
    """Where everything lies, and the names of the feature columns."""

    folder: Path
    columns: tuple[str, ...]

    @property
    def pyfunc(self) -> Path:
        """The model as MLflow keeps it."""
        return self.folder / "pyfunc"


def make_home(folder: Path, customers: int) -> Home:
    """Run the stages up to the plan; train takes one candidate and makes no search."""
    tree = yaml.safe_load(_PARAMS.read_text(encoding="utf-8"))
    tree["pull"] |= {"source": "demo"}
    tree["pull"]["demo"] |= {"customers": customers, "years": 2}
    tree["train"] |= {"candidates": ["xgboost"], "origins": 1}
    tree["train"]["tuning"]["trials"] = 0
    tree["train"]["xgboost"] |= {"rounds": ROUNDS, "max_depth": DEPTH}
    tree["evaluate"]["resamples"] = 100
    (folder / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    before = Path.cwd()
    os.chdir(folder)
    try:
        params = load_params()
        for stage in (pull, check, featurize, train, evaluate):
            stage(params)
        shutil.copytree(paths.MODEL, paths.CHAMPION, ignore=shutil.ignore_patterns("evaluated"))
        for stage in (score, plan):
            stage(params)
        catalogue = read_json(paths.CATALOGUE)
        columns = tuple(str(column["name"]) for column in catalogue["columns"])  # type: ignore[attr-defined]
        booster = xgb.Booster(model_file=bytearray((paths.CHAMPION / TREES_UBJ).read_bytes()))
        booster.feature_names = list(columns)
        mlflow.xgboost.save_model(booster, "pyfunc", pip_requirements=["mlflow", "xgboost-cpu"])
        return Home(folder, columns)
    finally:
        os.chdir(before)


def rows_of(home: Home) -> list[dict[str, float | None]]:
    """Feature rows of some customers, a missing value as None."""
    table = read_table(home.folder / paths.CURRENT).head(BODIES)
    values = table[list(home.columns)].to_numpy(np.float64)
    return [dict(zip(home.columns, (None if np.isnan(v) else v for v in row), strict=True)) for row in values.tolist()]


def ids_of(home: Home) -> list[str]:
    """Every scored customer."""
    return [str(one) for one in read_table(home.folder / paths.SCORES)["customer_id"]]


def write_bodies(path: Path, bodies: list[object]) -> Path:
    """One JSON body per line, as the load generator reads them."""
    path.write_bytes(b"\n".join(orjson.dumps(body) for body in bodies))
    return path


def write_split(path: Path, rows: Sequence[Mapping[str, float | None]]) -> Path:
    """Rows as MLflow takes them; a missing value as NaN, for a column of null alone would be no number to it."""
    tables = ({"columns": list(row), "data": [[np.nan if v is None else v for v in row.values()]]} for row in rows)
    path.write_text("\n".join(json.dumps({"dataframe_split": table}) for table in tables), encoding="utf-8")
    return path
