"""Scores computed on Spark are the local stage's, whoever holds the rows; what is wrong with a model is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from features.errors import ModelError
from models.scorer import MODEL_JSON
from pipeline import paths
from pipeline.featurizing.spark_session import spark_session
from pipeline.files import read_table
from pipeline.params import Params
from pipeline.score import score
from pipeline.scoring_spark import Model, scores
from tests.pipeline.spark_shop import needs_spark, spark_params
from tests.pipeline.tiny_shop import BLEND, FAMILIES, RECENCY, tiny_params, write_model, write_tiny_shop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [needs_spark, pytest.mark.slow]


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with spark_session(spark_params().features.spark) as session:
        yield session


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    found = tiny_params()
    monkeypatch.chdir(tmp_path)
    write_tiny_shop(tmp_path)
    return found


def in_row_groups(rows: int, name: str) -> Path:
    """Today's features under another name (Spark keeps a name for as long as a session), in small row groups."""
    path = paths.CURRENT.with_name(name)
    pq.write_table(pq.read_table(paths.CURRENT), path, row_group_size=rows)
    return path


def test_probabilities_and_reasons_equal_the_local_stage(
    spark: SparkSession, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(paths.CHAMPION, "blend", BLEND)
    score(params)
    local = read_table(paths.SCORES)
    monkeypatch.setattr("pipeline.scoring_spark.ROWS_PER_TASK", 25)

    model = Model.read(paths.CHAMPION, FAMILIES, reasons=3)
    found = scores(spark, in_row_groups(50, "many.parquet"), model).to_pandas()

    assert list(found) == ["customer_id", "churn_probability", "reasons"]
    assert list(found["customer_id"]) == list(local["customer_id"])
    np.testing.assert_allclose(found["churn_probability"], local["churn_probability"], rtol=0, atol=1e-9)
    assert [[dict(one) for one in row] for row in found["reasons"]] == [
        [dict(one) for one in row] for row in local["reasons"]
    ]


def test_a_model_without_trees_scores_too(spark: SparkSession, params: Params) -> None:
    write_model(paths.CHAMPION, "recency_rule", RECENCY)
    found = scores(spark, in_row_groups(1_000, "one.parquet"), Model.read(paths.CHAMPION, FAMILIES, reasons=1))
    assert {one["feature"] for row in found["reasons"].to_pylist() for one in row} == {"days_since_last_order"}
    assert found.num_rows == 120


def test_a_row_that_has_no_score_is_told_as_the_scorer_tells_it(spark: SparkSession, params: Params) -> None:
    write_model(paths.CHAMPION, "recency_rule", RECENCY)
    today = read_table(paths.CURRENT)
    today.loc[7, "days_since_last_order"] = np.inf
    today.to_parquet(paths.CURRENT.with_name("infinite.parquet"))
    with pytest.raises(ModelError, match=r"feature days_since_last_order is infinite; leave it empty\.$"):
        scores(spark, paths.CURRENT.with_name("infinite.parquet"), Model.read(paths.CHAMPION, FAMILIES, reasons=1))


def test_a_file_without_a_column_of_the_model_is_refused_before_it_is_sent(spark: SparkSession, params: Params) -> None:
    version = write_model(paths.CHAMPION, "blend", BLEND)
    read_table(paths.CURRENT).drop(columns=["orders_ever"]).to_parquet(paths.CURRENT)
    with pytest.raises(ModelError, match=rf"model {version} wants 1 column\(s\) .* lacks, first orders_ever"):
        scores(spark, paths.CURRENT, Model.read(paths.CHAMPION, FAMILIES, reasons=1))


def test_a_damaged_model_is_refused_before_it_is_sent(params: Params) -> None:
    write_model(paths.CHAMPION, "recency_rule", RECENCY)
    (paths.CHAMPION / MODEL_JSON).write_text("{}")
    with pytest.raises(ModelError, match="does not describe a model"):
        Model.read(paths.CHAMPION, FAMILIES, reasons=1)
