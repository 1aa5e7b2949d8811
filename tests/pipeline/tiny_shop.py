"""A shop of 120 customers at three cutoffs and models written by hand: what `evaluate` and `score` read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import xgboost as xgb

from models.formulas import Formula, has_trees
from models.onnx_trees import onnx_of
from models.scorer import FORMAT, MODEL_JSON, TREES_ONNX, TREES_UBJ, content_version
from pipeline.files import write_json, write_table
from pipeline.params import Params, load_params
from tests.formulas import BGNBD

CUTOFFS = pd.to_datetime(["2025-01-01", "2025-04-01", "2025-07-01"], utc=True).as_unit("us")
AS_OF = pd.Timestamp("2025-10-01", tz="UTC").as_unit("us")
FAMILIES = {
    "days_since_last_order": "recency",
    "orders_ever": "frequency",
    "spend_ever": "monetary",
    "btyd_x": "btyd",
    "btyd_t_x": "btyd",
    "btyd_T": "btyd",
    "season_sine": "season",
}
COLUMNS = tuple(FAMILIES)
SIZE = 120

RECENCY: Formula = {
    "kind": "recency_rule",
    "columns": ["days_since_last_order"],
    "days": [0.0, 300.0],
    "log_odds": [-2.0, 2.0],
}
TREES: Formula = {"kind": "trees", "columns": ["days_since_last_order", "orders_ever"], "base": BGNBD}
BLEND: Formula = {"kind": "mean", "members": [RECENCY, BGNBD, TREES]}


def tiny_params() -> Params:
    """The project's params with few resamples and a source without truth."""
    params = load_params()
    evaluate = params.evaluate.model_copy(update={"resamples": 20, "calibration_bins": 4})
    pull = params.pull.model_copy(update={"source": "files"})
    return params.model_copy(update={"evaluate": evaluate, "pull": pull})


def write_tiny_shop(folder: Path, revenue: bool = True) -> None:
    """History, current and catalogue under `folder`, and the orders that make the labels true."""
    rows = pd.concat([_rows(cutoff, seed) for seed, cutoff in enumerate(CUTOFFS)], ignore_index=True)
    today = _rows(AS_OF, seed=9).rename(columns={"cutoff": "as_of"})
    today = today.drop(columns=["churned", "future_orders", "future_revenue"])
    gone = [] if revenue else ["spend_ever"]
    write_table(folder / "data/clean/orders.parquet", _next_orders(rows))
    write_table(folder / "data/features/history.parquet", rows.drop(columns=gone))
    write_table(folder / "data/features/current.parquet", today.drop(columns=gone))
    write_json(
        folder / "data/features/catalogue.json",
        {
            "horizon_days": 90,
            "as_of": AS_OF.isoformat(),
            "cutoffs": [cutoff.isoformat() for cutoff in CUTOFFS],
            "test_cutoff": CUTOFFS[-1].isoformat(),
            "columns": [{"name": name, "family": FAMILIES[name]} for name in COLUMNS if name not in gone],
        },
    )


def write_model(
    folder: Path, chosen: str, formula: Formula, trained_on: tuple[int, ...] = (0,), **about: object
) -> str:
    """One artifact; `trained_on` are places in CUTOFFS. Returns its version."""
    folder.mkdir(parents=True)
    files = _trees() if has_trees(formula) else {}
    described = {
        "format": FORMAT,
        "chosen": chosen,
        "formula": formula,
        "feature_columns": [name for name in COLUMNS if name != "spend_ever"],
        "horizon_days": 90,
        "active_days": 365,
        "half_lives_days": [14],
        "absent": [],
        "calibration": {"intercept": 0.1, "slope": 0.9},
        "trained_on": [CUTOFFS[place].isoformat() for place in trained_on],
        "calibrated_on": None,
        "notes": [],
        "golden": [],
        **about,
    }
    described["model_version"] = content_version(described, files)
    (folder / MODEL_JSON).write_bytes(orjson.dumps(described))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return str(described["model_version"])


def write_models(folder: Path) -> str:
    """The layout of data/model: the final artifact (blend) and one per candidate; returns the final version."""
    version = write_model(folder, "blend", BLEND, trained_on=(0, 1, 2))
    for name, formula in (("blend", BLEND), ("recency_rule", RECENCY), ("bgnbd", BGNBD)):
        write_model(folder / "evaluated" / name, name, formula)
    return version


def _rows(moment: pd.Timestamp, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(100, 400, SIZE).astype(float)
    silence = np.minimum(rng.exponential(90, SIZE).round(), age)
    repeats = np.where(silence < age, rng.poisson(2, SIZE) + 1.0, 0.0)
    churned = (rng.uniform(size=SIZE) < 1 / (1 + np.exp(2 - silence / 45))).astype(np.int8)
    orders = np.where(churned == 1, 0, 1 + rng.poisson(0.5, SIZE)).astype(np.int32)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number:03}" for number in range(SIZE)],
            "cutoff": pd.Series([moment] * SIZE, dtype="datetime64[us, UTC]"),
            "days_since_last_order": silence,
            "orders_ever": repeats + 1,
            "spend_ever": (repeats + 1) * rng.lognormal(3.5, 0.4, SIZE),
            "btyd_x": repeats,
            "btyd_t_x": np.where(repeats > 0, age - silence, 0.0),
            "btyd_T": age,
            "season_sine": 0.5,
            "churned": churned,
            "future_orders": orders,
            "future_revenue": orders * rng.lognormal(3.5, 0.4, SIZE),
        }
    )


def _next_orders(rows: pd.DataFrame) -> pd.DataFrame:
    """One order within 80 days of its cutoff for every row that did not churn."""
    kept = rows[rows["churned"] == 0]
    days = np.random.default_rng(4).integers(0, 80, len(kept))
    return pd.DataFrame({"customer_id": kept["customer_id"], "known_at": kept["cutoff"] + pd.to_timedelta(days, "D")})


def _trees() -> dict[str, bytes]:
    rows = _rows(CUTOFFS[0], seed=0)
    data = xgb.DMatrix(rows[["days_since_last_order", "orders_ever"]].to_numpy(np.float32), rows["churned"])
    settings = {"objective": "binary:logistic", "base_score": 0.5, "max_depth": 2, "nthread": 1}
    booster = xgb.train(settings, data, num_boost_round=4)
    return {TREES_ONNX: onnx_of(booster, 2), TREES_UBJ: bytes(booster.save_raw("ubj"))}
