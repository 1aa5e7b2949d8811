"""What stands in the artifact's files."""

from __future__ import annotations

import orjson

from features.asof import Settings
from models.artifact import model_files
from models.history import History
from models.training import Trained

SETTINGS = Settings(90, None, (14, 60))


def test_only_a_model_with_trees_has_tree_files(trained: dict[str, Trained], labelled: History) -> None:
    assert set(model_files(trained["bgnbd"], SETTINGS, labelled.features)) == {"model.json"}
    assert set(model_files(trained["blend"], SETTINGS, labelled.features)) == {"model.json", "trees.onnx", "trees.ubj"}


def test_golden_rows_span_the_range_of_scores_and_keep_empty_values(
    trained: dict[str, Trained], labelled: History
) -> None:
    about = orjson.loads(model_files(trained["blend"], SETTINGS, labelled.features)["model.json"])
    chances = [row["churn_probability"] for row in about["golden"]]
    scores = trained["blend"].churn_probability(labelled.features)
    assert len(chances) == 5
    assert (chances[0], chances[-1]) == (scores.min(), scores.max())
    empty = about["feature_columns"].index("never_filled")
    assert all(row["values"][empty] is None for row in about["golden"])


def test_the_version_follows_the_content(trained: dict[str, Trained], labelled: History) -> None:
    one, two = (
        orjson.loads(model_files(trained["bgnbd"], settings, labelled.features)["model.json"])["model_version"]
        for settings in (SETTINGS, Settings(90, 365, (14, 60)))
    )
    assert one != two
    assert one.startswith("m-")
    assert len(one) == 14
