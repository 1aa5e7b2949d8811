"""The gate of `promote`: limits, leaks, groups of customers and a hold, and when each of them binds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from features.errors import ModelError
from pipeline.files import read_json, write_json
from pipeline.params import Params
from pipeline.promote import promote
from tests.pipeline.promoted import FLAT, GOOD, WORSE, alias, champion, failed, gate, log, loose, run, text
from tests.pipeline.tracking_project import put_model


def test_the_limits_are_judged_anew_when_they_change(shop: Params) -> None:
    run(shop, GOOD)
    promote(loose(shop, max_calibration_error=0.0))
    assert failed() == ["calibration_error"]


def test_a_limit_is_advice_while_no_other_model_can_answer(shop: Params) -> None:
    version = put_model(Path(), shop, GOOD)
    log()
    said = promote(loose(shop, min_skill_over_baseline=0.99))
    assert re.search(r"in force.*beware: skill minus that of the best baseline", said)
    assert (alias(shop), failed()) == (version, ["skill_over_baseline"])


def test_a_limit_binds_once_another_model_is_in_force(shop: Params) -> None:
    first = run(shop, WORSE)
    put_model(Path(), shop, GOOD)
    log()
    promote(loose(shop, min_skill_over_baseline=0.99))
    assert (alias(shop), gate()["promoted"], failed()) == (first, False, ["skill_over_baseline"])


def test_the_first_model_without_skill_stops_the_run_and_leaves_no_champion(shop: Params) -> None:
    put_model(Path(), shop, GOOD)
    log()
    with pytest.raises(
        ModelError, match=r"(?s)no other model in force can answer.*skill over the churn rate alone \+0"
    ):
        promote(loose(shop, min_skill=0.99))
    assert not Path("data/champion").exists()
    assert alias(shop) is None


@pytest.mark.parametrize(("skill", "auc"), [(0.2, 0.8), (0.0, 0.99)])
def test_a_suspected_leak_keeps_a_model_out(shop: Params, skill: float, auc: float) -> None:
    run(shop, WORSE)
    put_model(Path(), shop, GOOD)
    log()
    backtest = json.loads(Path("reports/backtest.json").read_text())
    backtest["leakage"]["shuffled_label"]["mean_skill"], backtest["leakage"]["highest_auc"] = skill, auc
    write_json(Path("reports/backtest.json"), backtest)
    promote(shop)
    assert failed() == ["leakage"]


def test_an_alarm_that_train_took_for_chance_is_none_at_the_gate(shop: Params) -> None:
    put_model(Path(), shop, GOOD)
    log()
    backtest = json.loads(Path("reports/backtest.json").read_text())
    backtest["leakage"]["shuffled_label"] |= {"mean_skill": 0.2, "holds": True}
    write_json(Path("reports/backtest.json"), backtest)
    promote(shop)
    assert failed() == []


@pytest.mark.parametrize(("proof", "told"), [({}, "was not run"), ({"passed": False, "attempts": [{}]}, "succeeded")])
def test_without_a_passed_leakage_proof_a_model_stays_out(shop: Params, proof: object, told: str) -> None:
    run(shop, WORSE)
    put_model(Path(), shop, GOOD)
    log()
    catalogue = Path("data/features/catalogue.json")
    write_json(catalogue, read_json(catalogue) | {"leakage_proof": proof})
    promote(shop)
    assert failed() == ["leakage_proof"]
    assert told in text("leakage_proof")


def test_a_model_that_reads_a_column_the_features_lack_stays_out(shop: Params) -> None:
    put_model(Path(), shop, GOOD)
    log()
    catalogue = Path("data/features/catalogue.json")
    write_json(catalogue, read_json(catalogue) | {"columns": [{"name": "orders_30d"}]})
    with pytest.raises(ModelError, match=r"reads 1 columns that the features lack \(days_since_last_order\)"):
        promote(shop)


def test_a_model_that_fails_one_group_of_customers_is_refused_though_it_is_better_on_the_whole(shop: Params) -> None:
    fair = run(shop, FLAT)
    put_model(Path(), shop, GOOD)
    predictions = pd.read_parquet("data/predictions.parquet")
    # Few and badly wrong: the customers with one order, whom the model in force had right.
    one_order = predictions["orders_ever"] == 1
    ours = predictions["churn_probability"].where(~one_order, 0.97 - predictions["churned"] * 0.94)
    predictions.assign(churn_probability=ours).to_parquet("data/predictions.parquet", index=False)
    log()
    promote(loose(shop, max_log_loss_excess=0.0))
    assert "worst_segment_excess" in failed()
    assert "worst group (one order)" in text("worst_segment_excess")
    assert (alias(shop), champion()) == (fair, fair)


def test_a_group_whose_churn_was_promised_wrong_binds_once_another_model_can_answer(shop: Params) -> None:
    first = run(shop, WORSE)
    put_model(Path(), shop, GOOD)
    predictions = pd.read_parquet("data/predictions.parquet")
    many = predictions["orders_ever"] >= 4
    churned = predictions["churned"].where(~many, 1).astype("int8")
    predictions.assign(churned=churned).to_parquet("data/predictions.parquet", index=False)
    log()
    promote(loose(shop, max_segment_gap=0.05, max_log_loss_excess=9.0))
    assert failed() == ["worst_segment"]
    assert "worst group (4+ orders): +0." in text("worst_segment")
    assert alias(shop) == first


def test_the_same_groups_within_chance_hold(shop: Params) -> None:
    run(shop, GOOD)
    promote(loose(shop, max_segment_gap=0.02))
    assert failed() == []


def test_test_rows_without_orders_are_not_judged_by_group(shop: Params) -> None:
    pd.read_parquet("data/predictions.parquet").drop(columns="orders_ever").to_parquet("data/predictions.parquet")
    log()
    promote(shop)
    assert "not judged" in text("worst_segment")


def test_while_held_a_better_model_is_judged_but_not_let_in(shop: Params) -> None:
    worse = run(shop, WORSE)
    good = put_model(Path(), shop, GOOD)
    log()
    held = shop.promote.model_copy(update={"hold": True})
    promote(shop.model_copy(update={"promote": held}))
    assert (alias(shop), champion(), failed()) == (worse, worse, ["not_held"])
    promote(shop)
    assert (alias(shop), champion()) == (good, good)
