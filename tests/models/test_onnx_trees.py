"""The ONNX node gives what the Booster gives, also for empty values and for values on a split."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest
import xgboost as xgb

from models.onnx_trees import onnx_of


@pytest.fixture(scope="module")
def booster() -> xgb.Booster:
    draw = np.random.default_rng(3)
    rows = draw.normal(size=(3000, 4)).round(1).astype(np.float32)
    rows[draw.uniform(size=rows.shape) < 0.2] = np.nan
    churned = (np.nan_to_num(rows[:, 0], nan=1.0) + np.nan_to_num(rows[:, 1]) * draw.normal(size=3000) > 0).astype(int)
    settings = {"objective": "binary:logistic", "base_score": 0.5, "max_depth": 5, "nthread": 1}
    return xgb.train(settings, xgb.DMatrix(rows, churned), num_boost_round=40)


def sums(booster: xgb.Booster, rows: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(onnx_of(booster, 4)).run(None, {"rows": rows})[0][:, 0]


def test_sums_equal_the_boosters_with_empty_values(booster: xgb.Booster) -> None:
    draw = np.random.default_rng(4)
    rows = draw.normal(size=(2000, 4)).astype(np.float32)
    rows[draw.uniform(size=rows.shape) < 0.4] = np.nan
    expected = booster.inplace_predict(rows, predict_type="margin")
    assert np.abs(sums(booster, rows) - expected).max() < 1e-5


def test_a_value_on_a_split_goes_the_same_way(booster: xgb.Booster) -> None:
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    inner = [np.array(tree["left_children"]) >= 0 for tree in trees]
    splits = np.concatenate(
        [np.array(tree["split_conditions"], np.float32)[own] for tree, own in zip(trees, inner, strict=True)]
    )
    rows = np.stack(np.broadcast_arrays(*[splits] * 4), axis=1).astype(np.float32)
    assert np.abs(sums(booster, rows) - booster.inplace_predict(rows, predict_type="margin")).max() < 1e-5


def test_the_same_trees_give_the_same_bytes(booster: xgb.Booster) -> None:
    again = xgb.Booster(model_file=booster.save_raw("ubj"))
    assert onnx_of(again, 4) == onnx_of(booster, 4)
