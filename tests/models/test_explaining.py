"""Reasons of a loaded model: the same row alone and in company, exact in trees, empty values as nothing."""

from __future__ import annotations

import math

import numpy as np
import xgboost as xgb

from models.explaining import as_records, tree_explainer
from models.reasons import Reason

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
