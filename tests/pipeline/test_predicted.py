"""The predictions of the test rows: orders so far and reasons, which are those of the model that was tested."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.scorer import Scorer
from pipeline import paths
from pipeline.evaluate import evaluate, feature_values
from pipeline.files import read_json, read_table
from pipeline.predicted import predictions, with_reasons
from tests.pipeline.tiny_shop import tiny_params, write_models, write_tiny_shop


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    params = tiny_params()
    monkeypatch.chdir(tmp_path)
    write_tiny_shop(tmp_path)
    write_models(paths.MODEL)
    evaluate(params)
    return read_table(paths.PREDICTIONS)


def test_every_test_row_carries_its_orders_and_at_most_three_reasons(written: pd.DataFrame) -> None:
    history = read_table(paths.HISTORY)
    at_test = history[history["cutoff"] == history["cutoff"].max()].reset_index(drop=True)
    assert written["orders_ever"].tolist() == at_test["orders_ever"].tolist()
    assert written["tenure_days"].tolist() == at_test["btyd_T"].tolist()
    assert {len(reasons) for reasons in written["reasons"]} <= {1, 2, 3}
    assert {reason["direction"] for reasons in written["reasons"] for reason in reasons} <= {"raises", "lowers"}


def test_the_value_of_a_reason_is_that_of_the_row(written: pd.DataFrame) -> None:
    history = read_table(paths.HISTORY)
    at_test = history[history["cutoff"] == history["cutoff"].max()].reset_index(drop=True)
    seen = [(row, reason) for row, reasons in enumerate(written["reasons"]) for reason in reasons]
    of_columns = [(row, reason) for row, reason in seen if reason["feature"] in at_test.columns]
    assert of_columns
    for row, reason in of_columns:
        assert at_test[reason["feature"]][row] == pytest.approx(reason["value"])


def test_a_shop_without_an_order_count_still_gets_its_predictions(written: pd.DataFrame) -> None:
    history = read_table(paths.HISTORY)
    rows = history[history["cutoff"] == history["cutoff"].max()].reset_index(drop=True)
    folder = paths.MODEL / "evaluated/recency_rule"
    scorer = Scorer.load(folder)
    told = predictions(rows.drop(columns="orders_ever"), np.full(len(rows), 0.5), {})
    table = with_reasons(told, feature_values(scorer, rows), scorer, folder, read_json(paths.CATALOGUE))
    assert table.column_names == ["customer_id", "cutoff", "churned", "churn_probability", "reasons"]
