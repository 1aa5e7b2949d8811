"""Opening the desk: parts that do not fit each other; and reasons of a model without trees."""

from __future__ import annotations

from pathlib import Path

import orjson
import pandas as pd
import pytest

from features.errors import ModelError, ServingError
from serving.answers import explain
from serving.desk import Desk
from serving.draws import HOLDOUT_KEY
from serving.requests import ScoreRequest
from serving.service import golden_rows_match
from serving.settings import Places
from tests.serving.events import requests_by_events
from tests.serving.shop import copy_of


def test_scores_of_another_model_are_refused(run: Path, run_without_trees: Path, tmp_path: Path) -> None:
    home = copy_of(run, tmp_path / "run")
    (home / "data/serving.db").write_bytes((run_without_trees / "data/serving.db").read_bytes())
    with pytest.raises(ServingError, match="run `make run` to score again"):
        Desk.open(Places(home))


def test_another_holdout_key_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOLDOUT_KEY, "another")
    with pytest.raises(ServingError, match="not the key the control group was drawn with"):
        Desk.open(Places(run))


def test_a_damaged_model_is_refused(run: Path, tmp_path: Path) -> None:
    home = copy_of(run, tmp_path / "run")
    trees = home / "data/champion/trees.onnx"
    trees.write_bytes(trees.read_bytes()[:-1])
    with pytest.raises(ModelError, match="changed or damaged"):
        Desk.open(Places(home))


def test_golden_rows_match_the_model_that_made_them(run: Path, run_without_trees: Path) -> None:
    one, other = (Desk.open(Places(home)).scorer for home in (run, run_without_trees))
    assert golden_rows_match(one)
    mixed = type(one)(**{**vars(one), "about": {**one.about, "golden": other.about["golden"]}})
    assert not golden_rows_match(mixed)


def test_a_model_without_trees_explains_events_as_the_nightly_run_did(run_without_trees: Path) -> None:
    scores = pd.read_parquet(run_without_trees / "data/scores.parquet").head(10)
    request = {"customers": requests_by_events(run_without_trees, scores["customer_id"].tolist())}
    answer = explain(Desk.open(Places(run_without_trees)), ScoreRequest.model_validate_json(orjson.dumps(request)))
    found = orjson.loads(orjson.dumps(answer))["customers"]
    assert [entry["source"] for entry in found] == ["events"] * 10
    for entry, nightly in zip(found, scores["reasons"], strict=True):
        assert [reason["feature"] for reason in entry["reasons"]] == [reason["feature"] for reason in nightly]
        values = [reason["value"] for reason in entry["reasons"]]
        assert values == pytest.approx([reason["value"] for reason in nightly], abs=1e-9)
