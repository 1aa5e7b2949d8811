"""Shares add up to the model's log odds for every kind of formula; reasons are few, different and in order."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from models.formulas import Formula, Rows, log_odds
from models.plain import described
from models.reasons import Contributions, contributions, top_reasons
from models.wording import worded
from tests.formulas import BGNBD

RNG = np.random.default_rng(0)
COLUMNS = ["days_since_last_order", "orders_90d", "spend_90d", "btyd_x", "btyd_t_x", "btyd_T"]
VALUES = np.column_stack(
    [
        RNG.uniform(0, 300, 200),
        RNG.poisson(2, 200),
        np.where(RNG.uniform(size=200) < 0.2, np.nan, RNG.gamma(2, 30, 200)),
        RNG.poisson(1.5, 200),
        RNG.uniform(0, 200, 200),
        RNG.uniform(200, 400, 200),
    ]
).astype(np.float64)
BOOSTER = xgb.train(
    {"objective": "binary:logistic", "base_score": 0.5, "max_depth": 3, "nthread": 1},
    xgb.DMatrix(VALUES[:, :3].astype(np.float32), (RNG.uniform(size=200) < 0.4).astype(int)),
    num_boost_round=8,
)

CONSTANT: Formula = {"kind": "constant", "log_odds": -0.4}
RECENCY: Formula = {
    "kind": "recency_rule",
    "columns": ["days_since_last_order"],
    "days": [0.0, 100.0, 300.0],
    "log_odds": [-2.0, 0.0, 2.0],
}
LOGISTIC: Formula = {
    "kind": "logistic",
    "columns": ["orders_90d", "spend_90d"],
    "medians": [1.0, 4.0],
    "means": [1.0, 4.0],
    "scales": [0.5, 1.0],
    "lows": [-8.0, -8.0],
    "highs": [8.0, 8.0],
    "weights": [-0.8, -0.3],
    "flagged": [1],
    "flag_weights": [0.6],
    "intercept": 0.2,
}
TREES: Formula = {"kind": "trees", "columns": COLUMNS[:3], "base": CONSTANT}
BLEND: Formula = {"kind": "mean", "members": [BGNBD, LOGISTIC, {**TREES, "base": BGNBD}]}
FORMULAS = {
    "constant": CONSTANT,
    "recency_rule": RECENCY,
    "logistic": LOGISTIC,
    "bgnbd": BGNBD,
    "mbgnbd": BGNBD | {"kind": "mbgnbd"},
    "xgboost": TREES,
    "blend": BLEND,
}


def run_trees(rows: np.ndarray) -> np.ndarray:
    return BOOSTER.inplace_predict(rows, predict_type="margin")


def explain_trees(rows: np.ndarray) -> np.ndarray:
    return BOOSTER.predict(xgb.DMatrix(rows), pred_contribs=True).astype(np.float64)


ROWS = Rows.of(VALUES, COLUMNS, run_trees)


@pytest.mark.parametrize("kind", FORMULAS)
def test_shares_add_up_to_the_log_odds(kind: str) -> None:
    found = contributions(FORMULAS[kind], ROWS, explain_trees)
    assert found.base + found.shares.sum(axis=1) == pytest.approx(log_odds(FORMULAS[kind], ROWS), abs=1e-5)


def test_calibrated_shares_add_up_to_the_calibrated_log_odds() -> None:
    found = contributions(BLEND, ROWS, explain_trees).calibrated(intercept=0.1, slope=0.7)
    assert found.base + found.shares.sum(axis=1) == pytest.approx(0.1 + 0.7 * log_odds(BLEND, ROWS), abs=1e-5)


def test_a_logistic_share_is_weight_times_spread_and_its_flag() -> None:
    rows = Rows.of(np.array([[0.0, np.nan]]), ["orders_90d", "spend_90d"])
    found = contributions(LOGISTIC, rows)
    assert found.features == ("orders_90d", "spend_90d")
    assert found.shares[0] == pytest.approx([-0.8 * (0.0 - 1.0) / 0.5, 0.6])
    assert found.base[0] == pytest.approx(0.2)


def test_bgnbd_inside_another_model_is_one_reason_whose_value_is_its_probability() -> None:
    found = contributions({"kind": "mean", "members": [BGNBD]}, ROWS)
    assert found.features == ("btyd_no_order",)
    assert found.values[:, 0] == pytest.approx(1 / (1 + np.exp(-log_odds(BGNBD, ROWS))))


@pytest.mark.parametrize("kind", ["bgnbd", "mbgnbd"])
def test_bgnbd_alone_is_split_among_orders_silence_and_tenure(kind: str) -> None:
    rows = Rows.of(np.array([[5.0, 290.0, 300.0], [5.0, 100.0, 300.0]]), ["btyd_x", "btyd_t_x", "btyd_T"])
    found = contributions(BGNBD | {"kind": kind}, rows)
    assert found.features == ("occasions_ever", "days_since_last_order", "tenure_days")
    assert found.values.tolist() == [[6.0, 10.0, 300.0], [6.0, 200.0, 300.0]]
    assert found.shares[0, 1] < found.shares[1, 1]  # longer silence raises the risk
    assert found.shares[1, 1] > 0


def test_reasons_of_bgnbd_alone_are_words_a_marketer_reads() -> None:
    rows = Rows.of(np.array([[5.0, 206.0, 300.0]]), ["btyd_x", "btyd_t_x", "btyd_T"])
    (reasons,) = top_reasons(contributions(BGNBD, rows), dict.fromkeys(["occasions_ever", "tenure_days"], "orders"), 3)
    words = {worded(each.feature, each.value, {"gap_mean_days": 41.2}) for each in reasons}
    assert words == {"6 shopping days so far", "silent 94 days; usual gap 41", "customer for 300 days"}


def test_a_feature_in_two_members_of_a_blend_is_named_once() -> None:
    features = contributions(BLEND, ROWS, explain_trees).features
    assert len(features) == len(set(features)) == 4


def test_trees_without_an_explainer_are_refused() -> None:
    with pytest.raises(TypeError, match="nobody was given to explain"):
        contributions(TREES, ROWS)


HAND = Contributions(
    features=("orders_30d", "orders_90d", "spend_90d", "days_since_last_order"),
    values=np.array([[0.0, 1.0, 20.0, 80.0]]),
    shares=np.array([[2.0, -1.9, -0.5, 1.0]]),
    base=np.zeros(1),
)
FAMILIES = {"orders_30d": "frequency", "orders_90d": "frequency", "spend_90d": "monetary"}


def test_features_of_one_family_are_weighed_together() -> None:
    (reasons,) = top_reasons(HAND, FAMILIES, count=3)
    assert [(each.feature, each.value, each.direction) for each in reasons] == [
        ("days_since_last_order", 80.0, "raises"),
        ("spend_90d", 20.0, "lowers"),
        ("orders_30d", 0.0, "raises"),  # 2.0 − 1.9: the family hardly moves this customer
    ]


def test_no_more_reasons_are_given_than_asked_for() -> None:
    assert [len(each) for each in top_reasons(HAND, FAMILIES, count=2)] == [2]


def test_a_constant_has_no_reasons() -> None:
    found = contributions(described(CONSTANT), ROWS)
    assert top_reasons(found, {}, 3)[0] == []
