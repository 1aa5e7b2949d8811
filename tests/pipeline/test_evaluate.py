"""Stage `evaluate` on the tiny shop: what it writes, that it repeats, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from features.errors import DataError, ModelError
from pipeline import paths
from pipeline.evaluate import evaluate
from pipeline.files import read_json, read_table, write_table
from pipeline.params import Params
from pipeline.summary import number, tree
from tests.pipeline.tiny_shop import CUTOFFS, RECENCY, SIZE, tiny_params, write_model, write_models, write_tiny_shop

METRICS = ["brier", "calibration_error", "lift_top_decile", "log_loss", "pr_auc", "roc_auc", "skill"]


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    found = tiny_params()
    monkeypatch.chdir(tmp_path)
    write_tiny_shop(tmp_path)
    write_models(paths.MODEL)
    return found


def test_predictions_hold_ours_and_every_candidate_of_the_test_rows(params: Params) -> None:
    evaluate(params)
    written = read_table(paths.PREDICTIONS)
    expected = ["customer_id", "cutoff", "churned", "churn_probability", "bgnbd", "blend", "recency_rule"]
    assert list(written.columns) == [*expected, "orders_ever", "tenure_days", "revenue_if_kept", "reasons"]
    assert set(written["cutoff"]) == {CUTOFFS[-1]}
    assert (written["churn_probability"] == written["blend"]).all()


def test_metrics_are_those_of_the_predictions(params: Params) -> None:
    evaluate(params)
    metrics, written = read_json(paths.METRICS), read_table(paths.PREDICTIONS)
    auc = roc_auc_score(written["churned"], written["churn_probability"])
    assert number(metrics, "metrics", "roc_auc", "ours", "value") == pytest.approx(auc, abs=1e-6)
    loss = log_loss(written["churned"], written["bgnbd"])
    assert number(metrics, "candidates", "bgnbd", "log_loss") == pytest.approx(loss, abs=1e-6)
    assert number(metrics, "churn_rate", "value") == pytest.approx(written["churned"].mean(), abs=1e-6)
    assert sorted(tree(metrics, "metrics")) == METRICS


def test_customers_we_touched_are_left_out_and_counted(params: Params) -> None:
    history = read_table(paths.HISTORY)
    at_test = (history["cutoff"] == CUTOFFS[-1]).to_numpy()
    touched = at_test & (np.arange(len(history)) % 4 == 0)
    write_table(paths.HISTORY, history.assign(stands_for=np.where(touched, 0, 1).astype(np.int8)))
    evaluate(params)
    metrics, written = read_json(paths.METRICS), read_table(paths.PREDICTIONS)
    assert metrics["treated_left_out"] == {"rows": int(touched.sum()), "of": int(at_test.sum())}
    assert sorted(written["customer_id"]) == sorted(history.loc[at_test & ~touched, "customer_id"])
    assert metrics["rows"] == len(written)
    write_table(paths.HISTORY, history)
    evaluate(params)
    assert "treated_left_out" not in read_json(paths.METRICS)


def test_the_best_baseline_is_the_best_single_method_by_that_metric(params: Params) -> None:
    evaluate(params)
    metrics = read_json(paths.METRICS)
    losses = {name: number(metrics, "candidates", name, "log_loss") for name in ("bgnbd", "recency_rule")}
    assert tree(metrics, "metrics", "log_loss", "best_baseline")["name"] == min(losses, key=lambda name: losses[name])


def test_the_catalogue_tells_how_much_the_model_leans_on_each_column(params: Params) -> None:
    evaluate(params)
    told = read_json(paths.COLUMNS)
    columns = {column["name"]: column["importance"] for column in told["columns"]}  # type: ignore[attr-defined]
    assert columns["season_sine"] is None  # no part of the blend looks at it
    assert columns["days_since_last_order"]["low"] > 0
    families = {family["name"]: family["importance"] for family in told["families"]}  # type: ignore[attr-defined]
    assert families["recency"] == columns["days_since_last_order"]
    assert families["btyd"]["value"] > 0
    assert tree(told, "importance")["model"] == "blend"
    assert tree(told, "importance")["customers"] == SIZE


def test_the_groups_by_orders_and_those_by_age_hold_every_customer_once(params: Params) -> None:
    evaluate(params)
    segments = tree(read_json(paths.METRICS), "segments")
    by_orders, by_age = {"one order", "2–3 orders", "4+ orders"}, {"in their first year", "in later years"}
    assert set(segments) == by_orders | by_age
    for part in (by_orders, by_age):
        assert sum(number(segments, name, "customers") for name in part) == SIZE


def test_curves_are_long_tables_by_candidate(params: Params) -> None:
    evaluate(params)
    columns = {name: list(pd.read_csv(paths.PLOTS / name).columns) for name in ("calibration.csv", "gain.csv")}
    assert columns == {
        "calibration.csv": ["candidate", "bin", "mean_predicted", "observed", "count"],
        "gain.csv": ["candidate", "contacted_share", "churners_share"],
    }
    assert set(pd.read_csv(paths.PLOTS / "roc.csv")["candidate"]) == {"blend", "bgnbd", "recency_rule"}
    assert pd.read_csv(paths.PLOTS / "calibration.csv").groupby("candidate")["count"].sum().eq(SIZE).all()


def test_the_same_inputs_give_the_same_bytes(params: Params) -> None:
    written = []
    for _ in range(2):
        evaluate(params)
        outputs = [paths.PREDICTIONS, paths.METRICS, paths.MODEL_CARD, *sorted(paths.PLOTS.iterdir())]
        written.append([path.read_bytes() for path in outputs])
    assert written[0] == written[1]


def test_a_source_without_truth_has_no_oracle(params: Params) -> None:
    write_table(
        paths.TRUTH / "customers.parquet", pd.DataFrame({"customer_id": ["c000"]})
    )  # left by an earlier demo run
    evaluate(params)
    assert "oracle" not in read_json(paths.METRICS)


def test_the_oracle_of_the_demo_stands_beside_ours(
    params: Params, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(paths.TRUTH / "customers.parquet", pd.DataFrame({"customer_id": ["c000"]}))
    monkeypatch.setattr("pipeline.evaluate.oracle_churn_probability", _all_knowing)
    evaluate(params.model_copy(update={"pull": params.pull.model_copy(update={"source": "demo"})}))
    assert number(read_json(paths.METRICS), "oracle", "roc_auc") == 1.0
    assert "oracle" in capsys.readouterr().out


def _all_knowing(truth: pd.DataFrame, ids: list[str], cutoffs: list[pd.Timestamp], horizon_days: int) -> np.ndarray:
    rows = read_table(paths.HISTORY).set_index(["customer_id", "cutoff"])
    return np.where(rows.loc[list(zip(ids, cutoffs, strict=True)), "churned"] == 1, 0.9, 0.1)


def test_the_model_card_names_model_data_and_limits(params: Params) -> None:
    evaluate(params)
    card = paths.MODEL_CARD.read_text(encoding="utf-8")
    for part in (
        "# Model card: m-",
        "2025-01-01 to 2025-07-01",
        "[cutoff, cutoff + 90 days)",
        "## Drift",
        "## Value, timing and money",
        "## Limits",
    ):
        assert part in card


def test_the_season_of_the_horizon_is_not_called_drift(params: Params) -> None:
    history = read_table(paths.HISTORY)
    history.loc[history["cutoff"] == CUTOFFS[-1], "season_sine"] = -0.5
    write_table(paths.HISTORY, history)
    evaluate(params)
    assert "season_sine" not in tree(read_json(paths.METRICS), "drift", "most_moved")


def test_an_auc_above_the_ceiling_stops_the_run_and_writes_nothing(params: Params) -> None:
    history = read_table(paths.HISTORY)
    history["days_since_last_order"] = history["churned"] * 300.0
    write_table(paths.HISTORY, history)
    low = params.model_copy(update={"train": params.train.model_copy(update={"auc_ceiling": 0.9})})
    with pytest.raises(ModelError, match=r"above train.auc_ceiling 0\.9:"):
        evaluate(low)
    assert not paths.METRICS.exists()


def test_a_candidate_that_saw_the_test_labels_is_refused(params: Params) -> None:
    write_model(paths.MODEL / "evaluated" / "logistic", "logistic", RECENCY, trained_on=(0, 2))
    with pytest.raises(ModelError, match="1 of 4 candidates, first logistic, learned from labels after"):
        evaluate(params)


def test_one_class_at_the_test_cutoff_is_refused(params: Params) -> None:
    history = read_table(paths.HISTORY)
    history["churned"] = np.int8(1)
    write_table(paths.HISTORY, history)
    with pytest.raises(DataError, match="only one class: 120 of 120 customers at the test cutoff"):
        evaluate(params)


def test_features_without_a_column_of_the_model_are_refused(params: Params) -> None:
    write_table(paths.HISTORY, read_table(paths.HISTORY).drop(columns="btyd_x"))
    with pytest.raises(ModelError, match=r"wants 1 column\(s\) the features lack, first btyd_x"):
        evaluate(params)


def test_no_candidate_at_all_is_refused(params: Params) -> None:
    for path in sorted((paths.MODEL / "evaluated").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    with pytest.raises(ModelError, match="holds no candidate"):
        evaluate(params)
