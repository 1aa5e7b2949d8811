"""A small real run: the demo shop through the stages, with a model of real trees written by hand instead of trained."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import orjson
import xgboost as xgb
import yaml

from models.formulas import has_trees
from models.onnx_trees import onnx_of
from models.scorer import FORMAT, MODEL_JSON, TREES_ONNX, TREES_UBJ, Scorer, content_version
from pipeline import paths
from pipeline.check import check
from pipeline.featurize import featurize
from pipeline.files import read_json, read_table
from pipeline.params import load_params
from pipeline.plan import plan
from pipeline.pull import pull
from pipeline.score import score
from tests.formulas import BGNBD

ROOT = Path(__file__).resolve().parents[2]
GOLDEN_ROWS = 5


def write_params(home: Path, customers: int = 400) -> None:
    """The project's params for a small shop."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    tree["pull"]["demo"].update(customers=customers, years=2)
    (home / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def write_run(home: Path, trees: bool = True, customers: int = 400) -> None:
    """Everything up to the plan, below `home`."""
    write_params(home, customers)
    before = Path.cwd()
    os.chdir(home)
    try:
        params = load_params()
        for stage in (pull, check, featurize):
            stage(params)
        write_champion(paths.CHAMPION, trees)
        for stage in (score, plan):
            stage(params)
    finally:
        os.chdir(before)


def write_champion(folder: Path, trees: bool) -> None:
    """An artifact over all columns of the catalogue, with true golden rows."""
    catalogue = read_json(paths.CATALOGUE)
    columns = [str(column["name"]) for column in catalogue["columns"]]  # type: ignore[union-attr,attr-defined]
    rows = read_table(paths.HISTORY)
    values = rows[columns].to_numpy(np.float64)
    about: dict[str, object] = {
        "format": FORMAT,
        "chosen": "trees" if trees else "bgnbd",
        "formula": {"kind": "trees", "columns": columns, "base": BGNBD} if trees else BGNBD,
        "feature_columns": columns,
        **{name: catalogue[name] for name in ("horizon_days", "active_days", "half_lives_days", "absent")},
        "calibration": {"intercept": 0.1, "slope": 0.9},
        "trained_on": sorted({moment.isoformat() for moment in rows["cutoff"]}),
        "calibrated_on": None,
        "notes": [],
        "golden": [],
    }
    files = _trees(values, rows["churned"].to_numpy()) if has_trees(about["formula"]) else {}  # type: ignore[arg-type]
    _write(folder, about, files)
    golden = values[:: len(values) // GOLDEN_ROWS][:GOLDEN_ROWS]
    expected = Scorer.load(folder).churn_probability(golden).tolist()
    about["golden"] = [
        {"values": [None if np.isnan(cell) else cell for cell in row], "churn_probability": each}
        for row, each in zip(golden.tolist(), expected, strict=True)
    ]
    _write(folder, about, files)


def _trees(values: np.ndarray, churned: np.ndarray) -> dict[str, bytes]:
    settings = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1, "base_score": 0.5}
    booster = xgb.train(settings, xgb.DMatrix(values.astype(np.float32), churned), num_boost_round=20)
    return {TREES_ONNX: onnx_of(booster, values.shape[1]), TREES_UBJ: bytes(booster.save_raw("ubj"))}


def _write(folder: Path, about: dict[str, object], files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    bare = {key: value for key, value in about.items() if key != "model_version"}
    described = {**bare, "model_version": content_version(bare, files)}  # type: ignore[arg-type]
    (folder / MODEL_JSON).write_bytes(orjson.dumps(described))
    for name, content in files.items():
        (folder / name).write_bytes(content)


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(home: Path, command: list[str], port: int, **environment: str) -> Iterator[httpx.Client]:
    """A real server process with `home` as working directory, stopped at the end; the client speaks to it."""
    known = {**os.environ, "BENTOML_HOME": str(home / "bentoml"), "PYTHONPATH": str(ROOT), **environment}
    log = home / "server.log"
    with log.open("wb") as sink:
        server = subprocess.Popen([sys.executable, *command], cwd=home, env=known, stdout=sink, stderr=sink)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                _wait(client, server, log)
                yield client
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait(client: httpx.Client, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def copy_of(run: Path, target: Path) -> Path:
    """A run of one's own, to damage, without the inbox of whoever looks at the shared one and may be closing it."""
    shutil.copytree(run, target, ignore=shutil.ignore_patterns("last_good", "inbox.db*"))
    return target
