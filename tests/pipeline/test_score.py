"""Stage `score` on the tiny shop: the contract's columns, value, timing and reasons for each kind of model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.errors import ModelError
from models.formulas import Formula
from models.scorer import Scorer
from pipeline import paths
from pipeline.evaluate import scored
from pipeline.files import read_table, write_table
from pipeline.params import Params
from pipeline.score import score
from tests.pipeline.tiny_shop import (
    AS_OF,
    BGNBD,
    BLEND,
    RECENCY,
    SIZE,
    TREES,
    tiny_params,
    write_model,
    write_tiny_shop,
)

CONTRACT = [
    "customer_id",
    "as_of",
    "churn_probability",
    "churn_decile",
    "segment",
    "expected_next_order_at",
    "expected_next_order_low",
    "expected_next_order_high",
    "expected_value",
    "value_at_risk",
    "second_order_probability",
    "reasons",
    "reasons_in_words",
    "model_version",
]


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    found = tiny_params()
    monkeypatch.chdir(tmp_path)
    write_tiny_shop(tmp_path)
    return found


@pytest.fixture
def scores(params: Params) -> pd.DataFrame:
    write_model(paths.CHAMPION, "blend", BLEND)
    score(params)
    return read_table(paths.SCORES)


def test_scores_have_the_columns_of_the_contract_and_a_row_per_customer(scores: pd.DataFrame) -> None:
    assert list(scores.columns) == CONTRACT
    assert list(scores["customer_id"]) == [f"c{number:03}" for number in range(SIZE)]
    assert set(scores["as_of"]) == {AS_OF}


def test_probabilities_are_the_scorers(scores: pd.DataFrame) -> None:
    expected = scored(Scorer.load(paths.CHAMPION), read_table(paths.CURRENT))
    assert (scores["churn_probability"].to_numpy() == expected).all()


def test_value_at_risk_is_probability_times_value(scores: pd.DataFrame) -> None:
    product = scores["churn_probability"] * scores["expected_value"]
    assert np.allclose(scores["value_at_risk"], product)
    assert (scores["expected_value"] > 0).all()


def test_a_margin_twice_as_high_doubles_the_value(params: Params, scores: pd.DataFrame) -> None:
    score(params.model_copy(update={"score": params.score.model_copy(update={"margin_share": 0.7})}))
    assert np.allclose(read_table(paths.SCORES)["expected_value"], 2 * scores["expected_value"])


def test_deciles_follow_the_probability(scores: pd.DataFrame) -> None:
    assert scores["churn_decile"].value_counts().tolist() == [SIZE // 10] * 10
    means = scores.groupby("churn_decile")["churn_probability"].mean()
    assert means.is_monotonic_decreasing


def test_the_next_order_is_expected_after_today_and_between_its_ends(scores: pd.DataFrame) -> None:
    low, at, high = (scores[f"expected_next_order_{end}"] for end in ("low", "at", "high"))
    assert ((scores["as_of"] < low) & (low < at) & (at < high)).all()


def test_only_first_time_buyers_have_a_chance_of_a_second_order(scores: pd.DataFrame) -> None:
    once = read_table(paths.CURRENT)["btyd_x"].to_numpy() == 0
    chance = scores["second_order_probability"]
    assert once.any()
    assert chance[once].between(0, 1, inclusive="neither").all()
    assert chance[~once].isna().all()


def test_reasons_are_three_different_features_with_a_direction(scores: pd.DataFrame) -> None:
    for reasons in scores["reasons"]:
        assert len({reason["feature"] for reason in reasons}) == 3
        assert {reason["direction"] for reason in reasons} <= {"raises", "lowers"}


def test_long_silence_is_a_reason_that_raises_the_risk(scores: pd.DataFrame) -> None:
    silence = read_table(paths.CURRENT)["days_since_last_order"].to_numpy()
    reasons = scores["reasons"].iloc[int(np.argmax(silence))]
    (found,) = [reason for reason in reasons if reason["feature"] == "days_since_last_order"]
    assert (found["direction"], found["value"]) == ("raises", silence.max())


def test_every_reason_is_said_in_words(scores: pd.DataFrame) -> None:
    silence = read_table(paths.CURRENT)["days_since_last_order"].to_numpy()
    row = scores.iloc[int(np.argmax(silence))]
    place = [reason["feature"] for reason in row["reasons"]].index("days_since_last_order")
    assert row["reasons_in_words"][place] == f"silent {silence.max():,.0f} days"
    assert (scores["reasons_in_words"].map(len) == scores["reasons"].map(len)).all()


def test_silence_is_said_beside_the_usual_gap_of_the_customer(params: Params) -> None:
    write_table(paths.CURRENT, read_table(paths.CURRENT).assign(gap_mean_days=21.3, days_since_last_order=94.0))
    write_model(paths.CHAMPION, "recency_rule", RECENCY)
    score(params)
    assert {words for row in read_table(paths.SCORES)["reasons_in_words"] for words in row} == {
        "silent 94 days; usual gap 21"
    }


@pytest.mark.parametrize(("chosen", "formula"), [("recency_rule", RECENCY), ("bgnbd", BGNBD), ("xgboost", TREES)])
def test_every_kind_of_model_scores_with_reasons(params: Params, chosen: str, formula: Formula) -> None:
    write_model(paths.CHAMPION, chosen, formula)
    score(params)
    written = read_table(paths.SCORES)
    assert written["reasons"].map(len).min() >= 1
    assert written["expected_next_order_at"].notna().all()


def test_the_same_inputs_give_the_same_bytes(params: Params, scores: pd.DataFrame) -> None:
    before = paths.SCORES.read_bytes()
    score(params)
    assert paths.SCORES.read_bytes() == before


def test_a_shop_without_revenue_has_no_values(params: Params, tmp_path: Path) -> None:
    write_tiny_shop(tmp_path, revenue=False)
    write_model(paths.CHAMPION, "bgnbd", BGNBD)
    score(params)
    written = pq.read_table(paths.SCORES)
    assert written["expected_value"].null_count == written["value_at_risk"].null_count == SIZE


def test_a_champion_of_another_horizon_is_refused(params: Params) -> None:
    write_model(paths.CHAMPION, "bgnbd", BGNBD, horizon_days=60)
    with pytest.raises(ModelError, match=r"speaks of 60 days, snapshots.horizon_days is 90. Run `dvc repro promote`"):
        score(params)
    assert not paths.SCORES.exists()


def test_a_champion_that_wants_a_column_that_is_gone_is_refused(params: Params) -> None:
    write_model(paths.CHAMPION, "bgnbd", BGNBD)
    write_table(paths.CURRENT, read_table(paths.CURRENT).drop(columns="btyd_T"))
    with pytest.raises(ModelError, match=r"wants 1 column\(s\) the features lack, first btyd_T"):
        score(params)


def test_no_champion_is_refused(params: Params) -> None:
    with pytest.raises(ModelError, match=r"model.json is missing"):
        score(params)
