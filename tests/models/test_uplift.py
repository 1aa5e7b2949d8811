"""A stored uplift model is evaluated as it was written, and says nothing of what is still being learned."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.plain import Json
from models.uplift import is_known, uplift_of

LINE: dict[str, Json] = {
    "state": "measured",
    "facts": ["churn_probability", "orders"],
    "mean_uplift": 0.02,
    "intercept": 0.02,
    "weights": [0.01, -0.005],
    "mean": [0.5, 1.0986122886681098],
    "spread": [0.2, 0.5],
}
MODEL: dict[str, Json] = {
    "actions": {
        "nudge": LINE,
        "survey": {"state": "measured", "facts": [], "mean_uplift": 0.004},
        "offer": {"state": "learning"},
    }
}
FACTS = {"churn_probability": np.array([0.5, 0.9, np.nan]), "orders": np.array([2.0, 2.0, 1e9])}


def test_a_line_is_evaluated_over_standardised_facts() -> None:
    found = uplift_of(MODEL, ["nudge"], FACTS)[:, 0]
    # At the means; two deviations of churn above; unknown churn and orders three deviations above, where the line ends.
    assert found == pytest.approx([0.02, 0.04, 0.02 - 0.015])


def test_a_constant_holds_for_everybody_and_a_learning_or_unknown_action_for_nobody() -> None:
    found = uplift_of(MODEL, ["survey", "offer", "new"], FACTS)
    assert found[:, 0] == pytest.approx([0.004] * 3)
    assert np.isnan(found[:, 1:]).all()


def test_the_model_survives_json() -> None:
    again = json.loads(json.dumps(MODEL))
    assert np.array_equal(uplift_of(again, ["nudge"], FACTS), uplift_of(MODEL, ["nudge"], FACTS))


def test_a_model_is_known_once_one_action_is_measured() -> None:
    assert is_known(MODEL)
    assert not is_known({"actions": {"offer": {"state": "learning"}}})
    assert not is_known(None)


def test_an_uplift_never_exceeds_certainty() -> None:
    steep = {"actions": {"nudge": LINE | {"weights": [5.0, 0.0]}}}
    assert uplift_of(steep, ["nudge"], FACTS)[1, 0] == 1.0
