"""Trees fitted on Spark score like those fitted here, are saved alike, and what is wrong with the rows is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import log_loss

from features.asof import Settings
from features.errors import ModelError
from models.artifact import save_model
from models.batches import refitted, trees_from_disk
from models.formulas import Formula, parts
from models.history import History, iso
from models.registry import candidates
from models.scorer import Scorer
from models.training import Trained, fit_all
from pipeline.featurizing.spark_session import spark_session
from pipeline.history_rows import Part
from pipeline.training_spark import spark_trees
from tests.models.conftest import BOOSTING, HORIZON_DAYS, feature_columns, history_of, simulated_shop
from tests.pipeline.spark_shop import needs_spark, spark_params

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [needs_spark, pytest.mark.slow]


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with spark_session(spark_params().features.spark) as session:
        yield session


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    return history_of(simulated_shop(1200, 900, seed=9), [int(day) for day in np.arange(10) * 30 + 500])


@pytest.fixture(scope="module")
def labelled(history: pd.DataFrame) -> History:
    return History.of(history, feature_columns(history), HORIZON_DAYS)


@pytest.fixture(scope="module")
def trained(labelled: History) -> dict[str, Trained]:
    allowed = labelled.at(labelled.closed_by(labelled.moments()[-1]))
    return fit_all(candidates(["xgboost", "xgboost_btyd", "blend"], HORIZON_DAYS, 7, 1.0, BOOSTING), allowed)


@pytest.fixture(scope="module")
def part(history: pd.DataFrame, labelled: History, tmp_path_factory: pytest.TempPathFactory) -> Part:
    """What is closed by the last cutoff, in a file with later rows and six row groups."""
    closed = [iso(moment) for moment in labelled.closed_by(labelled.moments()[-1])]
    return Part(written(history, tmp_path_factory.mktemp("rows") / "history.parquet"), closed)


def written(table: pd.DataFrame, path: Path) -> Path:
    rows = pa.Table.from_pandas(table, preserve_index=False)
    pq.write_table(rows, path, row_group_size=len(table) // 6 + 1)
    return path


def trees_part(trained: Trained) -> Formula:
    return next(part for part in parts(trained.candidate.formula_) if part["kind"] == "trees")


@pytest.mark.parametrize("name", ["xgboost_btyd", "blend"])
def test_scores_equal_those_of_a_local_fit_and_are_as_good(
    name: str, spark: SparkSession, part: Part, trained: dict[str, Trained], labelled: History
) -> None:
    latest = labelled.at(labelled.moments()[-1:])
    one = {name: trained[name]}
    here = refitted(one, trees_from_disk(part.batches, BOOSTING, 7), 1, 0.5)[name]
    there = refitted(one, lambda trees: spark_trees(spark, part, trees, BOOSTING, 7), 1, 0.5)[name]
    local, cluster = (model.churn_probability(latest.features) for model in (here, there))
    # Each worker draws its own share of rows and columns, and bins are merged from sketches: equal but for chance.
    assert np.abs(local - cluster).mean() < 0.02
    assert log_loss(latest.churned, cluster) == pytest.approx(log_loss(latest.churned, local), abs=0.005)


def test_without_draws_only_the_bins_differ(
    spark: SparkSession, part: Part, trained: dict[str, Trained], labelled: History
) -> None:
    settings = {**BOOSTING, "subsample": 1.0, "colsample_bytree": 1.0}
    trees = trees_part(trained["xgboost"])
    rows = labelled.features[list(map(str, trees["columns"]))].to_numpy(np.float32)  # type: ignore[arg-type,call-overload]
    boosters = [trees_from_disk(part.batches, settings, 7)(trees), spark_trees(spark, part, trees, settings, 7)]
    here, there = (booster.inplace_predict(rows, predict_type="margin") for booster in boosters)
    assert np.abs(here - there).mean() < 0.02
    assert np.corrcoef(here, there)[0, 1] > 0.999


def test_the_same_rows_on_the_same_workers_give_the_same_bytes(
    spark: SparkSession, part: Part, trained: dict[str, Trained]
) -> None:
    trees = trees_part(trained["xgboost"])
    first, second = (bytes(spark_trees(spark, part, trees, BOOSTING, 7).save_raw()) for _ in range(2))
    assert first == second


def test_it_is_saved_and_loaded_like_a_local_one(
    spark: SparkSession, part: Part, trained: dict[str, Trained], labelled: History, tmp_path: Path
) -> None:
    there = refitted(trained, lambda trees: spark_trees(spark, part, trees, BOOSTING, 7), 1, 0.5)["blend"]
    latest = labelled.at(labelled.moments()[-1:]).features
    save_model(tmp_path, there, Settings(horizon_days=90, active_days=365, half_lives_days=(14, 60)), latest)
    scorer = Scorer.load(tmp_path)
    np.testing.assert_allclose(
        scorer.churn_probability(latest[list(scorer.feature_columns)].to_numpy(float)),
        there.churn_probability(latest),
        atol=1e-6,
    )


def test_a_row_no_tree_can_learn_from_is_told_as_it_is_here(
    spark: SparkSession, history: pd.DataFrame, part: Part, trained: dict[str, Trained], tmp_path: Path
) -> None:
    spoiled = history.copy()
    spoiled.loc[3, "gap_mean_days"] = np.inf
    other = Part(written(spoiled, tmp_path / "infinite.parquet"), part.cutoffs)
    with pytest.raises(ModelError, match="feature gap_mean_days is infinite in 1 of"):
        spark_trees(spark, other, trees_part(trained["xgboost"]), BOOSTING, 7)
