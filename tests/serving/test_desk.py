"""Opening the desk: parts that do not fit each other; and reasons of a model without trees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pandas as pd
import pytest

from features.errors import ModelError, ServingError
from serving.answers import explain, profile, score
from serving.desk import Desk
from serving.draws import HOLDOUT_KEY
from serving.planner import plan
from serving.requests import PlanRequest, ScoreRequest
from serving.service import golden_rows_match
from serving.settings import Places
from tests.serving.events import requests_by_events
from tests.serving.shop import copy_of


@pytest.fixture(scope="module")
def between(run: Path, run_without_trees: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk after a promotion, before the nightly run: the store's scores are another model's."""
    home = copy_of(run, tmp_path_factory.mktemp("between") / "run")
    (home / "data/serving.db").write_bytes((run_without_trees / "data/serving.db").read_bytes())
    return Desk.open(Places(home))


def answered(answer: object) -> list[dict[str, object]]:
    customers: list[dict[str, object]] = orjson.loads(orjson.dumps(answer))["customers"]
    return customers


def test_a_model_newer_than_the_scores_scores_by_id_itself(between: Desk, run: Path) -> None:
    scores = pd.read_parquet(run / "data/scores.parquet").head(50)
    names = [{"customer_id": name} for name in scores["customer_id"]]
    found = answered(score(between, ScoreRequest.model_validate({"customers": names})))
    assert {entry["source"] for entry in found} == {"received"}
    assert [entry["churn_probability"] for entry in found] == pytest.approx(scores["churn_probability"], abs=1e-6)


def test_a_model_newer_than_the_scores_gives_no_reasons_of_the_old_one_and_contacts_nobody(
    between: Desk, run: Path
) -> None:
    name = str(pd.read_parquet(run / "data/scores.parquet")["customer_id"].iloc[0])
    asked = {"customers": [{"customer_id": name}]}
    assert answered(explain(between, ScoreRequest.model_validate(asked)))[0]["error"]["field"] == "customers"  # type: ignore[index]
    decision = orjson.loads(orjson.dumps(plan(between, PlanRequest.model_validate(asked))))["decisions"][0]
    assert decision["action"] is None
    assert profile(between, name)["model_version"] == between.store.about["model_version"]


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
    mixed = replace(one, about={**one.about, "golden": other.about["golden"]})
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
