"""Stage `train` on a small simulated shop: what it writes, what it refuses, and that nothing is half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest

from features.errors import DataError, ModelError
from models.scorer import Scorer
from pipeline import paths
from pipeline.files import write_json, write_table
from pipeline.params import Params, load_params
from pipeline.train import train
from tests.models.conftest import BOOSTING, HORIZON_DAYS, feature_columns, history_of, simulated_shop

REPOSITORY = Path(__file__).parents[2]
Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return history_of(simulated_shop(1200, 900, seed=9), [int(day) for day in np.arange(10) * 30 + 500])


@pytest.fixture
def params() -> Params:
    loaded = load_params(REPOSITORY / "params.yaml")
    settings = loaded.train.model_copy(
        update={
            "xgboost": loaded.train.xgboost.model_copy(update=BOOSTING),
            "xgboost_deep": loaded.train.xgboost_deep.model_copy(update={"rounds": 30}),
            "xgboost_fading": loaded.train.xgboost_fading.model_copy(update={"rounds": 30}),
            "origins": 2,
        }
    )
    return loaded.model_copy(update={"train": settings})


def prepared(table: pd.DataFrame, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    write_table(paths.HISTORY, table)
    write_table(paths.CURRENT, table[table.cutoff == table.cutoff.max()].drop(columns="churned"))
    write_json(
        paths.CATALOGUE,
        {
            "horizon_days": HORIZON_DAYS,
            "active_days": 365,
            "half_lives_days": [14, 60],
            "absent": ["discount"],
            "columns": [{"name": name} for name in feature_columns(table)],
        },
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_it_writes_a_loadable_model_for_every_purpose_and_the_same_bytes_again(
    table: pd.DataFrame, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(table, tmp_path, monkeypatch)
    line = train(params)
    tested = orjson.loads(paths.BACKTEST.read_bytes())
    final = Scorer.load(paths.MODEL)
    assert f"{tested['chosen']} chosen of 10" in line
    assert (final.chosen, final.model_version) == (tested["chosen"], tested["model_version"])
    assert final.settings.absent == {"discount"}
    assert {path.name for path in (paths.MODEL / "evaluated").iterdir()} == set(tested["candidates"])

    cutoffs = sorted(pd.to_datetime(table.cutoff.unique()))
    open_at_test = cutoffs[-1] - pd.Timedelta(days=HORIZON_DAYS)
    for name in tested["candidates"]:
        judged = Scorer.load(paths.MODEL / "evaluated" / name)
        seen = [*judged.about["trained_on"], judged.about["calibrated_on"] or judged.about["trained_on"][0]]
        assert max(pd.Timestamp(moment) for moment in seen) <= open_at_test, name
    assert {pd.Timestamp(moment) for moment in final.about["trained_on"]} == set(cutoffs)

    first = contents(tmp_path)
    train(params)
    assert contents(tmp_path) == first


def test_the_backtest_tells_the_whole_story(
    table: pd.DataFrame, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(table, tmp_path, monkeypatch)
    train(params)
    tested = orjson.loads(paths.BACKTEST.read_bytes())
    assert len(tested["origins"]) == 2
    losses = {name: value["log_loss"] for name, value in tested["candidates"].items()}
    better = [name for name in losses if all(np.less(losses[name], losses["blend"]))]
    assert tested["chosen"] == min(better or ["blend"], key=lambda name: np.mean(losses[name]))
    assert tested["candidates"][tested["chosen"]]["skill"] > 0.1
    assert tested["leakage"]["shuffled_label"]["holds"] is True
    assert 0.7 < tested["leakage"]["highest_auc"] < tested["leakage"]["auc_ceiling"]


def _at_infinity(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(gap_mean_days=table.gap_mean_days.where(table.index != table.index[-1], np.inf))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda table: table.assign(churned=np.int8(1)), DataError, "only one class: .* of the test cutoff"),
        (lambda table: table[table.cutoff == table.cutoff.max()], DataError, "two are needed"),
        (lambda table: table[table.cutoff.isin(table.cutoff.unique()[-2:])], DataError, "label window"),
        (_at_infinity, ModelError, "gap_mean_days is infinite in 1 of"),
        (lambda table: table.assign(sessions_30d=1.0 - table.churned), ModelError, "auc_ceiling.*sessions_30d"),
        (lambda table: table.drop(columns="churned"), DataError, "lacks 1 column"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_and_nothing_is_written(
    change: Change,
    error: type[Exception],
    words: str,
    table: pd.DataFrame,
    params: Params,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared(table, tmp_path, monkeypatch)
    write_table(paths.HISTORY, change(table))
    with pytest.raises(error, match=words):
        train(params)
    assert not paths.MODEL.exists()
    assert not paths.BACKTEST.exists()


def test_a_shop_too_young_for_an_origin_still_gets_a_model_and_is_told(
    table: pd.DataFrame, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sorted(table.cutoff.unique())[:5]
    prepared(table[table.cutoff.isin(first)], tmp_path, monkeypatch)
    train(params)
    tested = orjson.loads(paths.BACKTEST.read_bytes())
    assert tested["method"] == "customer folds"
    assert "too short" in tested["notes"][0]
    assert Scorer.load(paths.MODEL).chosen == tested["chosen"]
