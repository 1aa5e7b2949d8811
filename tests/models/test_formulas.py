"""Formulas as plain data, evaluated by hand-typed rows."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import ModelError
from models.formulas import Formula, Rows, has_trees, log_odds, probability, required_columns

ROWS = Rows.of(np.array([[1.0, 10.0], [3.0, np.nan]]), ["a", "b"], lambda rows: rows[:, 0] * np.float32(2))
CONSTANT: Formula = {"kind": "constant", "log_odds": 0.5}
RULE: Formula = {"kind": "recency_rule", "columns": ["a"], "days": [0.0, 2.0], "log_odds": [-1.0, 1.0]}
TREES: Formula = {"kind": "trees", "columns": ["a"], "base": CONSTANT}
MEAN: Formula = {"kind": "mean", "members": [CONSTANT, RULE, TREES]}
LOGISTIC: Formula = {
    "kind": "logistic",
    "columns": ["b"],
    "medians": [1.0],
    "means": [1.0],
    "scales": [2.0],
    "lows": [-9.0],
    "highs": [9.0],
    "weights": [3.0],
    "flagged": [0],
    "flag_weights": [0.25],
    "intercept": -1.0,
}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (CONSTANT, [0.5, 0.5]),
        (RULE, [0.0, 1.0]),
        (TREES, [2.5, 6.5]),
        (MEAN, [1.0, 8 / 3]),
        (LOGISTIC, [-1 + 3 * (np.log(11) - 1) / 2, -1 + 0.25]),
    ],
)
def test_log_odds_are_those_worked_by_hand(formula: Formula, expected: list[float]) -> None:
    assert log_odds(formula, ROWS) == pytest.approx(expected)


def test_a_formula_says_which_columns_and_trees_it_needs() -> None:
    assert required_columns(MEAN) == {"a"}
    assert has_trees(MEAN)
    assert not has_trees(LOGISTIC)


def test_probability_does_not_overflow() -> None:
    assert probability(np.array([-1000.0, 0.0, 1000.0])) == pytest.approx([0.0, 0.5, 1.0])


def test_unknown_kinds_wrong_values_and_missing_trees_are_refused() -> None:
    with pytest.raises(ModelError, match="formulas of kind forest"):
        log_odds({"kind": "forest"}, ROWS)
    with pytest.raises(ModelError, match="holds 'much' where a number belongs"):
        log_odds({"kind": "constant", "log_odds": "much"}, ROWS)
    with pytest.raises(ModelError, match="holds 3 where a list belongs"):
        log_odds({"kind": "mean", "members": 3}, ROWS)
    with pytest.raises(ModelError, match="nobody was given to run them"):
        log_odds(TREES, Rows(ROWS.values, ROWS.index))
