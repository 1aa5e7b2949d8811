"""The peer a careful engineer writes by hand: FastAPI, a pydantic row, the booster called on a NumPy row."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import orjson
import xgboost as xgb
from fastapi import FastAPI
from pydantic import BaseModel, create_model

MODEL = Path(os.environ["REKINDLE_BENCH_MODEL"])
COLUMNS = orjson.loads((MODEL / "model.json").read_bytes())["feature_columns"]
Row: type[BaseModel] = create_model("Row", **dict.fromkeys(COLUMNS, (float | None, ...)))
booster = xgb.Booster({"nthread": 1}, model_file=bytearray((MODEL / "trees.ubj").read_bytes()))
app = FastAPI()


@app.get("/readyz")
def ready() -> dict[str, bool]:
    """Is it up?"""
    return {"ready": True}


@app.post("/score")
async def score(row: Row) -> dict[str, float]:  # type: ignore[valid-type]
    """P(churned) of one row of features."""
    values = np.array([[getattr(row, name) for name in COLUMNS]], dtype=np.float32)
    return {"churn_probability": float(booster.inplace_predict(values, validate_features=False)[0])}
