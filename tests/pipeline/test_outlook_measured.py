"""The outlook of the tiny shop as `evaluate` writes it, and of shops that lack what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import ModelError
from models.profit import Offer, best_in_hindsight, profit_of_contact
from pipeline import paths
from pipeline.evaluate import evaluate
from pipeline.files import read_json, read_table, write_table
from pipeline.outlook.known import Tree
from pipeline.outlook.profit import offer_of
from pipeline.params import Params
from pipeline.summary import number, tree
from tests.pipeline.tiny_shop import SIZE, tiny_params, write_models, write_tiny_shop

CANDIDATES = {"blend", "bgnbd", "recency_rule"}


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    found = tiny_params()
    monkeypatch.chdir(tmp_path)
    write_tiny_shop(tmp_path)
    write_models(paths.MODEL)
    return found


def measured(params: Params) -> Tree:
    evaluate(params)
    return read_json(paths.METRICS)


def changed(change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    write_table(paths.HISTORY, change(read_table(paths.HISTORY)))


def offered(params: Params, **terms: float) -> Params:
    """The params with other terms of the offer."""
    profit = params.evaluate.profit.model_copy(update=terms)
    return params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"profit": profit})})


def test_the_value_errors_are_those_of_the_predictions(params: Params) -> None:
    value, written = tree(measured(params), "value"), read_table(paths.PREDICTIONS)
    rows = read_table(paths.HISTORY).query("cutoff == cutoff.max()")
    actual = rows["future_revenue"].to_numpy()
    expected = ((1 - written["churn_probability"]) * written["revenue_if_kept"]).to_numpy()
    assert number(value, "all", "mae", "ours", "value") == pytest.approx(np.abs(expected - actual).mean(), abs=0.01)
    assert number(value, "all", "actual_total") == pytest.approx(actual.sum(), abs=0.01)
    kept = rows["churned"].to_numpy() == 0
    off = written["revenue_if_kept"].to_numpy()[kept] - actual[kept]
    assert number(value, "if_kept", "rmse", "ours", "value") == pytest.approx(np.sqrt((off**2).mean()), abs=0.01)
    assert number(value, "if_kept", "customers") == kept.sum()


def test_only_cutoffs_closed_by_the_test_cutoff_are_learned_from(params: Params) -> None:
    before = measured(params)
    history = read_table(paths.HISTORY)
    # the horizon of the second cutoff ends a day before the test cutoff, that of the third is the test itself
    assert number(before, "value", "learned_from", "cutoffs") == 2
    history.loc[history["cutoff"] == history["cutoff"].max(), "future_revenue"] *= 3
    write_table(paths.HISTORY, history)
    after = measured(params)
    assert tree(after, "value", "model") == tree(before, "value", "model")
    assert number(after, "value", "all", "naive_mean") == number(before, "value", "all", "naive_mean")
    assert number(after, "value", "all", "actual_total") > 2 * number(before, "value", "all", "actual_total")


def test_the_interval_of_the_next_order_counts_every_customer_once(params: Params) -> None:
    timing = tree(measured(params), "timing")
    published = tree(timing, "test", "published")
    ways = ("before", "inside", "after", "waiting_open", "waiting_past")
    assert sum(number(published, way) for way in ways) == SIZE == number(timing, "test", "customers")
    assert number(published, "lowest") <= number(published, "highest")
    assert number(timing, "test", "follow_up_days") == 92
    assert timing["earlier"] is None  # no cutoff of the tiny shop has a year of log behind it
    assert 0 <= number(timing, "test", "coverage", "low") <= number(timing, "test", "coverage", "high") <= 1


def test_the_second_order_is_told_of_first_time_buyers_alone(params: Params) -> None:
    second = tree(measured(params), "second_order")
    rows = read_table(paths.HISTORY).query("cutoff == cutoff.max() and btyd_x == 0")
    if "left_out" in second:
        assert len(rows) < 30
    else:
        assert number(second, "customers") == len(rows)


def test_the_profit_at_the_best_share_is_that_of_the_contacts_chosen_without_labels(params: Params) -> None:
    profit, written = tree(measured(params), "profit"), read_table(paths.PREDICTIONS)
    offer = offer_of(params)
    expected = profit_of_contact(written["churn_probability"].to_numpy(), written["revenue_if_kept"].to_numpy(), offer)
    brought = profit_of_contact(written["churned"].to_numpy(), written["revenue_if_kept"].to_numpy(), offer)
    assert number(profit, "best", "contacts") == (expected > 0).sum()
    assert number(profit, "best", "expected") == pytest.approx(expected[expected > 0].sum(), abs=0.01)
    assert number(profit, "best", "profit", "value") == pytest.approx(brought[expected > 0].sum(), abs=0.01)
    share, highest = best_in_hindsight(expected, brought)
    assert number(profit, "hindsight", "profit") == pytest.approx(highest, abs=0.01)
    assert number(profit, "hindsight", "share") == pytest.approx(share, abs=1e-6)
    assert highest >= number(profit, "best", "profit", "value") - 0.01
    assert number(profit, "everybody", "profit", "value") == pytest.approx(brought.sum(), abs=0.01)


def test_the_profit_curve_ends_at_everybody_and_lies_on_the_grid_for_every_candidate(params: Params) -> None:
    profit, table = tree(measured(params), "profit"), pd.read_csv(paths.PLOTS / "profit.csv")
    assert list(table.columns) == ["candidate", "contacted_share", "profit", "by_risk"]
    assert table.groupby("candidate").size().to_dict() == dict.fromkeys(CANDIDATES, 101)
    last = table[table["contacted_share"] == 1.0]
    everybody = number(profit, "everybody", "profit", "value")
    assert last[["profit", "by_risk"]].to_numpy() == pytest.approx(everybody, abs=0.01)
    assert (table[table["contacted_share"] == 0.0][["profit", "by_risk"]] == 0).all(axis=None)
    assert set(tree(profit, "candidates")) == CANDIDATES


def test_the_sensitivity_halves_and_doubles_every_parameter(params: Params) -> None:
    rows = tree(measured(params), "profit")["sensitivity"]
    assert isinstance(rows, list)
    found = {(row["parameter"], row["factor"]): row for row in rows}
    assert {name for name, _ in found} == {"margin_share", "offer_cost_money", "contact_cost_money", "accept_rate"}
    assert len(found) == 8
    assert found["accept_rate", 2.0]["share"] >= found["accept_rate", 0.5]["share"]
    assert found["contact_cost_money", 2.0]["share"] <= found["contact_cost_money", 0.5]["share"]


def test_empc_has_its_constants_beside_it(params: Params) -> None:
    empc = tree(measured(params), "profit", "empc")
    assert tree(empc, "constants") == {"alpha": 6, "beta": 14, "clv": 200, "contact_cost": 1, "offer_cost": 10}
    assert number(empc, "ours", "low") <= number(empc, "ours", "value") <= number(empc, "ours", "high")


def test_an_accept_rate_of_zero_contacts_nobody(params: Params) -> None:
    best = tree(measured(offered(params, accept_rate=0.0)), "profit", "best")
    assert (best["contacts"], number(best, "profit", "value"), number(best, "expected")) == (0, 0, 0)


def test_costs_of_nothing_contact_everybody(params: Params) -> None:
    free = offered(params, accept_rate=1.0, offer_cost_money=0.0, contact_cost_money=0.0)
    assert number(measured(free), "profit", "best", "share") == 1


def test_a_shop_without_revenue_has_no_money_and_says_why(tmp_path: Path, params: Params) -> None:
    write_tiny_shop(tmp_path, revenue=False)
    metrics = measured(params)
    assert metrics["value"] == metrics["profit"] == {"left_out": "the data has no revenue"}
    assert "left_out" not in tree(metrics, "timing")
    assert "revenue_if_kept" not in read_table(paths.PREDICTIONS).columns
    assert not (paths.PLOTS / "profit.csv").exists()


def test_a_shop_that_earned_nothing_yet_has_no_money_and_says_why(params: Params) -> None:
    changed(lambda history: history.assign(future_revenue=0.0))
    metrics = measured(params)
    assert str(tree(metrics, "value")["left_out"]).startswith("nobody brought revenue in the closed horizons")
    assert metrics["profit"] == metrics["value"]


def test_a_shop_without_first_time_buyers_says_so(params: Params) -> None:
    changed(lambda history: history.assign(btyd_x=history["btyd_x"].clip(lower=1.0)))
    assert str(tree(measured(params), "second_order")["left_out"]).startswith("0 first-time buyers")


def test_first_time_buyers_of_whom_none_came_back_say_so(params: Params) -> None:
    changed(lambda history: history.assign(btyd_x=0.0, btyd_t_x=0.0))
    write_table(paths.CLEAN / "orders.parquet", read_table(paths.CLEAN / "orders.parquet").iloc[:1])
    metrics = measured(params)
    assert tree(metrics, "second_order")["left_out"] == (
        f"none of {SIZE} first-time buyers ordered again, so there is nothing to tell apart"
    )
    assert tree(metrics, "timing", "test")["coverage"] is None


def test_a_shop_of_only_first_time_buyers_is_told_of_all_of_them(params: Params) -> None:
    changed(lambda history: history.assign(btyd_x=0.0, btyd_t_x=0.0, orders_ever=1.0))
    metrics = measured(params)
    assert number(metrics, "second_order", "customers") == SIZE
    assert 0 < number(metrics, "second_order", "mean_predicted") < 1


def test_customers_who_are_all_worth_the_same_get_one_value_and_a_sound_profit(params: Params) -> None:
    changed(
        lambda history: history.assign(
            spend_ever=30.0 * history["orders_ever"], future_revenue=30.0 * history["future_orders"]
        )
    )
    metrics = measured(params)
    assert number(metrics, "value", "model", "shop_value") == 30
    assert number(metrics, "value", "all", "total_ratio", "value") > 0
    assert number(metrics, "profit", "best", "share") >= 0


def test_a_test_horizon_that_brought_nothing_has_errors_but_no_ratio(params: Params) -> None:
    changed(
        lambda history: history.assign(
            future_revenue=history["future_revenue"].where(history["cutoff"] < history["cutoff"].max(), 0.0)
        )
    )
    value = tree(measured(params), "value")
    assert tree(value, "all", "total_ratio") == {"value": None, "low": None, "high": None}
    assert number(value, "all", "mae", "ours", "value") > 0


def test_infinite_spend_stops_the_stage_with_the_count(params: Params) -> None:
    history = read_table(paths.HISTORY)
    last = history.index[history["cutoff"] == history["cutoff"].max()][:3]
    history.loc[last, "spend_ever"] = np.inf
    write_table(paths.HISTORY, history)
    with pytest.raises(ModelError, match=f"3 of {SIZE} customers have no finite expected revenue"):
        evaluate(params)
    assert not paths.METRICS.exists()


def test_the_screen_says_what_contacting_pays_or_why_it_is_not_known(
    tmp_path: Path, params: Params, capsys: pytest.CaptureFixture[str]
) -> None:
    best = tree(measured(params), "profit", "best")
    assert f"by contacting {100 * number(best, 'share'):.1f} %" in capsys.readouterr().out
    write_tiny_shop(tmp_path, revenue=False)
    evaluate(params)
    assert "value and profit left out: the data has no revenue" in capsys.readouterr().out


def test_the_offer_is_that_of_the_params(params: Params) -> None:
    assert offer_of(offered(params, accept_rate=0.25)) == Offer(params.score.margin_share, 5.0, 1.0, 0.25)
