"""Reasons of a loaded model: the same row alone and in company, exact in trees, empty values as nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from features.asof import Settings
from models.artifact import save_model
from models.calibration import Calibration
from models.explaining import as_records, exact_shares, explained, tree_explainer
from models.history import History
from models.reasons import Reason
from models.scorer import TREES_UBJ, Scorer
from models.training import Trained
from tests.models.conftest import HORIZON_DAYS, NAMES

RNG = np.random.default_rng(3)
VALUES = RNG.normal(size=(60, 3)).astype(np.float32)
BOOSTER = xgb.train(
    {"objective": "binary:logistic", "base_score": 0.5, "max_depth": 2, "nthread": 1},
    xgb.DMatrix(VALUES, (VALUES[:, 0] > 0).astype(int)),
    num_boost_round=5,
)


def test_shares_of_trees_add_up_to_their_margin() -> None:
    shares = tree_explainer(bytes(BOOSTER.save_raw("ubj")))(VALUES)
    np.testing.assert_allclose(
        shares.sum(axis=1), BOOSTER.predict(xgb.DMatrix(VALUES), output_margin=True), rtol=0, atol=1e-5
    )


def test_a_row_has_the_same_shares_alone_and_in_company() -> None:
    explain = tree_explainer(bytes(BOOSTER.save_raw("ubj")), threads=1)
    np.testing.assert_array_equal(explain(VALUES[7:8])[0], explain(VALUES)[7])


def test_an_empty_value_is_none_in_a_record() -> None:
    row = [Reason("spend_90d", math.nan, "raises"), Reason("orders_ever", 2.0, "lowers")]
    assert as_records([row]) == [
        [
            {"feature": "spend_90d", "value": None, "direction": "raises"},
            {"feature": "orders_ever", "value": 2.0, "direction": "lowers"},
        ]
    ]


@pytest.mark.parametrize("name", NAMES)
def test_base_and_shares_are_the_calibrated_score_of_every_candidate(
    name: str, trained: dict[str, Trained], labelled: History, tmp_path: Path
) -> None:
    rows = labelled.at(labelled.moments()[-1:]).features
    settings = Settings(horizon_days=HORIZON_DAYS, active_days=365, half_lives_days=(14, 60))
    save_model(tmp_path, replace(trained[name], calibration=Calibration(0.3, 0.8)), settings, rows)
    scorer = Scorer.load(tmp_path)
    explain = tree_explainer((tmp_path / TREES_UBJ).read_bytes()) if scorer.run_trees else None
    values = rows[list(scorer.feature_columns)].to_numpy(np.float64)
    found = exact_shares(scorer, explain, values)
    assert found.base + found.shares.sum(axis=1) == pytest.approx(scorer.churn_log_odds(values), abs=1e-4)
    assert np.abs(found.shares).max() > 0.1
    assert all(1 <= len(row) <= 3 for row in explained(scorer, explain, values, {}, 3))


def test_no_rows_have_no_shares() -> None:
    assert tree_explainer(bytes(BOOSTER.save_raw("ubj")))(VALUES[:0]).shape == (0, 4)
