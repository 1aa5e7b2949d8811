"""Features that moved, weighted by what they do to the scores; the season is no drift."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pandas as pd
import pytest

from models.formulas import Formula
from models.scorer import Scorer
from pipeline import paths
from pipeline.files import read_table, write_table
from pipeline.watching.moves import features_moved, scores_moved
from pipeline.watching.today import Today, Training, today_by, training_rows
from tests.formulas import BGNBD
from tests.pipeline.tiny_shop import BLEND, write_model, write_tiny_shop

SEASONAL: Formula = {
    "kind": "mean",
    "members": [
        {"kind": "recency_rule", "columns": ["season_sine"], "days": [-1.0, 1.0], "log_odds": [-9.0, 9.0]},
        {"kind": "recency_rule", "columns": ["orders_ever"], "days": [0.0, 9.0], "log_odds": [1.0, -1.0]},
    ],
}


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tiny_shop(tmp_path)


def seen(
    formula: Formula, change: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows
) -> tuple[Today, Training]:
    write_table(paths.CURRENT, change(read_table(paths.CURRENT)))
    write_model(paths.CHAMPION, "blend", formula)
    scorer = Scorer.load(paths.CHAMPION)
    return today_by(scorer, paths.CHAMPION), training_rows(scorer, paths.HISTORY)


def columns(told: dict[str, object]) -> dict[str, dict[str, float]]:
    return {str(one["name"]): one for one in cast("list[dict[str, float]]", told["columns"])}


def test_the_weighted_index_is_the_mean_of_the_features_by_weight() -> None:
    told = features_moved(*seen(BLEND))
    found = columns(told)
    assert set(found) == {"days_since_last_order", "btyd_no_order", "orders_ever"}
    assert sum(one["weight"] for one in found.values()) == pytest.approx(1.0, abs=1e-5)
    assert told["psi"] == pytest.approx(sum(one["weight"] * one["psi"] for one in found.values()), abs=1e-5)


def test_a_shop_that_went_silent_has_moved_and_its_scores_with_it() -> None:
    told = seen(BLEND, lambda rows: rows.assign(days_since_last_order=rows["days_since_last_order"] + 150))
    found = columns(features_moved(*told))["days_since_last_order"]
    assert found["psi"] > 1.0 > found["by_chance"]
    assert next(iter(columns(features_moved(*told)))) == "days_since_last_order"
    scores = scores_moved(*told)
    assert cast("float", scores["psi"]) > 0.25
    assert cast("float", scores["mean_now"]) > cast("float", scores["mean_then"])


def test_the_season_of_the_horizon_is_no_drift_however_much_it_weighs() -> None:
    found = columns(features_moved(*seen(SEASONAL, lambda rows: rows.assign(season_sine=-0.9))))
    assert list(found) == ["orders_ever"]
    assert found["orders_ever"]["weight"] == pytest.approx(1.0)


def test_a_model_that_is_bgnbd_alone_is_watched_by_orders_silence_and_tenure() -> None:
    found = columns(features_moved(*seen(BGNBD)))
    assert set(found) == {"occasions_ever", "days_since_last_order", "tenure_days"}
    assert all(one["psi"] < 1.0 for one in found.values())  # the same three of the training rows, not x, t_x and T


def test_a_constant_model_has_no_features_to_watch() -> None:
    told = features_moved(*seen({"kind": "constant", "log_odds": 0.3}))
    assert (told["psi"], told["columns"]) == (0.0, [])


def test_nobody_to_score_has_not_moved() -> None:
    told = seen(BLEND, lambda rows: rows.iloc[:0])
    assert features_moved(*told)["psi"] == 0.0
    assert scores_moved(*told)["mean_now"] is None
