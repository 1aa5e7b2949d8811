"""A history larger than memory: choose on some customers, fit the trees on every row, and say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataError
from models.scorer import MODEL_JSON, Scorer
from pipeline import paths
from pipeline.all_rows import learnable
from pipeline.params import Params, Tuning, load_params
from pipeline.train import train
from tests.models.conftest import BOOSTING, history_of, simulated_shop
from tests.pipeline.test_train import prepared

REPOSITORY = Path(__file__).parents[2]
NAMES = ["xgboost", "xgboost_deep", "xgboost_btyd", "xgboost_fading", "blend"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return history_of(simulated_shop(1200, 900, seed=9), [int(day) for day in np.arange(10) * 30 + 500])


@pytest.fixture
def shop(table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """The working directory holds the history, in small row groups."""
    prepared(table, tmp_path, monkeypatch)
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), paths.HISTORY, row_group_size=1_000)
    return table


def params(rows_in_memory: int) -> Params:
    loaded = load_params(REPOSITORY / "params.yaml")
    changes = {
        "candidates": NAMES,
        "origins": 1,
        "rows_in_memory": rows_in_memory,
        "tuning": Tuning(trials=0, minutes=None, rows=None),
        "xgboost": loaded.train.xgboost.model_copy(update=BOOSTING),
        "xgboost_deep": loaded.train.xgboost_deep.model_copy(update={"rounds": 20}),
        "xgboost_fading": loaded.train.xgboost_fading.model_copy(update={"rounds": 20}),
    }
    return loaded.model_copy(update={"train": loaded.train.model_copy(update=changes)})


def trained(rows_in_memory: int) -> dict[str, bytes]:
    """Train, and every file of the model; nothing else may be left beside the data."""
    train(params(rows_in_memory))
    assert sorted(path.name for path in Path("data").iterdir()) == ["features", "model"]
    return {str(path): path.read_bytes() for path in sorted(paths.MODEL.rglob("*")) if path.is_file()}


def test_a_history_that_fits_is_read_whole(shop: pd.DataFrame) -> None:
    assert len(learnable(len(shop))) == len(shop)


def test_of_a_larger_one_whole_customers_are_read_always_the_same(shop: pd.DataFrame) -> None:
    some = learnable(3_000)
    assert len(some) == pytest.approx(3_000, rel=0.15)
    whole = shop[shop["customer_id"].isin(some["customer_id"])]
    pd.testing.assert_frame_equal(some, whole.reset_index(drop=True), check_dtype=False)
    pd.testing.assert_frame_equal(learnable(3_000), some)
    assert set(learnable(1_000)["customer_id"]) < set(some["customer_id"])


def test_without_a_history_it_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="run `dvc repro`"):
        learnable(10)


def test_the_trees_learn_from_every_row_and_the_model_says_so(shop: pd.DataFrame) -> None:
    trained(len(shop))
    inputs = shop[shop["cutoff"] == shop["cutoff"].max()]
    known = {name: Scorer.load(paths.MODEL / "evaluated" / name) for name in NAMES}
    memory = {
        name: one.churn_probability(inputs[list(one.feature_columns)].to_numpy(float)) for name, one in known.items()
    }
    trained(len(shop) // 3)
    about = orjson.loads((paths.MODEL / "evaluated" / "xgboost" / MODEL_JSON).read_bytes())
    closed = shop[shop["cutoff"] <= shop["cutoff"].max() - pd.Timedelta(days=90)]
    assert about["training_rows"] == len(closed)
    assert about["training_churn_rate"] == pytest.approx(closed["churned"].mean())
    assert about["notes"][-1].startswith(f"trees learned from all {len(closed):,} rows, the rest from the ")
    for name in NAMES:
        scorer = Scorer.load(paths.MODEL / "evaluated" / name)
        chance = scorer.churn_probability(inputs[list(scorer.feature_columns)].to_numpy(float))
        assert np.abs(chance - memory[name]).mean() < 0.02


def test_the_same_bytes_again(shop: pd.DataFrame) -> None:
    assert trained(len(shop) // 3) == trained(len(shop) // 3)
