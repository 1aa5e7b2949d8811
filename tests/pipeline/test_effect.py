"""The effect of a ledger whose truth is known, and what is said while nothing is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.decided import FACTS
from features.log import DAY_US
from pipeline.effect import NOTHING_SENT, measure
from pipeline.params import Params, load_params
from pipeline.paying.trials import chances_of, first_of_each
from tests.pipeline.paying_shop import NOW_US, START_US, Shop, in_folder, ledger, today, write_orders, write_shop

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    found = load_params(ROOT / "params.yaml")
    monkeypatch.chdir(tmp_path)
    in_folder(tmp_path)
    return found


def _with(params: Params, **effect: object) -> Params:
    return params.model_copy(update={"effect": params.effect.model_copy(update=effect)})


def test_nothing_sent_yet_says_what_the_control_group_could_show(
    params: Params, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = write_shop(Shop(people=500), None)
    paid = measure(params, facts, START_US + 25 * DAY_US)
    assert paid.uplift is None
    assert paid.report["state"] == NOTHING_SENT
    assert paid.report["planned"]["customers"] == 500
    smallest = paid.report["planned"]["smallest_effect_money"]
    assert smallest > 0
    assert f"control group 50 of 500: an effect below {smallest:.2f} money a person" in capsys.readouterr().out


def test_a_real_effect_is_found_per_person_and_in_total(params: Params) -> None:
    shop = Shop(lift=0.3)
    decisions = ledger(shop)
    report = measure(params, write_shop(shop, decisions), NOW_US).report
    overall = report["overall"]
    # 0.3 orders more of 100 money at a margin of 35 %, less half a unit of money for sending.
    truth = 0.3 * 100 * params.score.margin_share - 0.5
    for name in ("effect_money", "effect_with_cuped_money"):
        assert overall[name]["low"] < truth < overall[name]["high"]
    assert overall["effect_with_cuped_money"]["low"] > 0
    treated = int((decisions["arm"] == "treatment").sum())
    assert overall["treated"] == treated == overall["delivered"]
    assert overall["total_money"]["value"] == pytest.approx(
        overall["effect_with_cuped_money"]["value"] * treated, rel=1e-4
    )
    assert not overall["sample_ratio"]["alarm"]
    actions = {name: told["treated"] for name, told in report["actions"].items() if told["treated"]}
    assert sum(actions.values()) == treated
    assert set(actions) == {"how_to_content", "win_back_discount"}
    assert all(report["actions"][name]["control"] == overall["control"] for name in actions)
    json.dumps(report, allow_nan=False)


def test_nothing_done_is_no_effect(params: Params) -> None:
    shop = Shop()
    report = measure(params, write_shop(shop, ledger(shop).assign(cost_money=0.0)), NOW_US).report
    assert report["overall"]["effect_money"]["low"] < 0 < report["overall"]["effect_money"]["high"]


def test_arms_by_assignment_not_by_delivery(params: Params) -> None:
    shop = Shop(lift=0.3)
    decisions = ledger(shop)
    facts = write_shop(shop, decisions.assign(delivered_at=pd.NaT))
    overall = measure(params, facts, NOW_US).report["overall"]
    assert overall["delivered"] == 0
    assert overall["treated"] == (decisions["arm"] == "treatment").sum()
    assert overall["effect_money"]["low"] > 0


def test_an_open_window_waits_and_a_young_ledger_learns(params: Params) -> None:
    shop = Shop(lift=0.3)
    facts = write_shop(shop, ledger(shop))
    early = measure(params, facts, START_US + 20 * DAY_US)
    assert early.uplift is None
    assert early.report["actions"]["how_to_content"]["treated"] == 0
    assert early.report["uplift"]["actions"]["how_to_content"]["state"] == "learning"


def test_while_most_were_watched_for_less_than_a_window_there_are_only_costs_and_nothing_counts_as_measured(
    params: Params,
) -> None:
    shop, easily = Shop(people=6_000, lift=0.3), _with(params, matters_money=1_000.0)
    facts = write_shop(shop, ledger(shop))
    window = params.effect.window_days
    early = measure(easily, facts, START_US + (window - 1) * DAY_US).report
    assert {early["state"], early["overall"]["state"]} == {"learning"}
    assert {told["state"] for told in early["policy_versions"].values()} == {"learning"}
    assert early["overall"]["effect_money"]["value"] is not None
    later = measure(easily, facts, START_US + (window + 1) * DAY_US).report
    assert {later["state"], later["overall"]["state"]} == {"measured"}


def test_once_enough_is_known_the_uplift_goes_into_the_plan(params: Params) -> None:
    shop = Shop(people=6_000, lift=0.3)
    facts = write_shop(shop, ledger(shop))
    paid = measure(_with(params, matters_share=0.05), facts, NOW_US)
    names = list(params.plan.actions)
    measured = names.index("how_to_content")
    assert paid.report["uplift"]["actions"]["how_to_content"]["state"] == "measured"
    assert paid.uplift is not None
    # exp(-0.2) − exp(-0.5): what 0.3 orders more add to the chance of one.
    assert paid.uplift[:, measured].mean() == pytest.approx(0.212, abs=0.05)
    assert np.isnan(paid.uplift[:, names.index("follow_up")]).all()
    again = measure(_with(params, matters_share=0.05), facts, NOW_US)
    assert json.dumps(again.report) == json.dumps(paid.report)


def test_uneven_arms_raise_the_alarm_and_nothing_counts_as_measured(params: Params) -> None:
    shop = Shop(people=6_000, lift=0.3)
    decisions = ledger(shop)
    lost = (decisions["arm"] == "control") & (decisions.index % 3 == 0)
    facts = write_shop(shop, decisions[~lost])
    report = measure(_with(params, matters_share=0.05, matters_money=10.0), facts, NOW_US).report
    assert report["overall"]["sample_ratio"]["alarm"]
    assert report["state"] == "learning"
    assert {one["state"] for one in report["uplift"]["actions"].values()} == {"learning"}


def test_each_policy_version_counts_while_it_was_in_force(params: Params) -> None:
    shop = Shop(people=1_000)
    old = ledger(shop)
    new = old.assign(
        decision_id=old["decision_id"] + "-2",
        run_seq=2,
        policy_version="2",
        as_of=old["as_of"] + pd.Timedelta(days=30),
        delivered_at=pd.NaT,
    )
    write_shop(shop, pd.concat([old, new], ignore_index=True))
    treated = old.loc[old["arm"] == "treatment", "customer_id"].to_numpy(object)
    write_orders(np.repeat(treated, 2), np.tile([10.0, 40.0], len(treated)))
    versions = measure(params, today(old["customer_id"].tolist()), NOW_US).report["policy_versions"]
    margin = 100 * params.score.margin_share
    assert versions["1"]["effect_money"]["value"] == pytest.approx(margin - 0.5)
    assert versions["2"]["effect_money"]["value"] == pytest.approx(margin)


def test_a_decision_of_tomorrow_is_not_known_today(params: Params) -> None:
    shop = Shop(people=300)
    decisions = ledger(shop)
    later = decisions["as_of"] + pd.Timedelta(days=20)
    decisions["as_of"] = decisions["as_of"].where(decisions.index < 100, later)
    overall = measure(params, write_shop(shop, decisions), START_US + 5 * DAY_US).report["overall"]
    assert overall["treated"] + overall["control"] == 100


def test_a_ledger_whose_decisions_all_lie_ahead_learns_and_has_no_versions(params: Params) -> None:
    shop = Shop(people=300)
    report = measure(params, write_shop(shop, ledger(shop)), START_US).report
    assert report["state"] == "learning"
    assert report["policy_versions"] == {}
    assert report["overall"]["since"] is None
    json.dumps(report, allow_nan=False)


def test_a_discount_is_paid_in_full_and_earns_no_margin(params: Params) -> None:
    shop = Shop(people=300)
    decisions = ledger(shop).assign(cost_money=0.0)
    write_shop(shop, decisions)
    treated = decisions.loc[decisions["arm"] == "treatment", "customer_id"].to_numpy(object)
    write_orders(treated, np.full(len(treated), 5.0), revenue=90.0, discount=10.0)
    found = measure(params, today(decisions["customer_id"].tolist()), NOW_US).report["overall"]["effect_money"]
    assert found["value"] == pytest.approx(100 * params.score.margin_share - 10)


def test_a_gift_is_paid_with_every_order_of_its_days(params: Params) -> None:
    shop = Shop(people=1_000)
    decisions = ledger(shop)
    gifts = decisions.assign(offer_cost_money=np.where(decisions["arm"] == "treatment", 4.0, np.nan))
    write_shop(shop, gifts)
    everybody = decisions["customer_id"].to_numpy(object)
    write_orders(np.repeat(everybody, 2), np.tile([5.0, 20.0], len(everybody)))
    found = measure(params, today(everybody.tolist()), NOW_US).report["overall"]["effect_money"]
    assert found["value"] == pytest.approx(-4.0 - 0.5)


def test_a_person_counts_once_from_the_first_decision() -> None:
    decisions = ledger(Shop(people=10))
    later = decisions.assign(run_seq=2, as_of=decisions["as_of"] + pd.Timedelta(days=9))
    first = first_of_each(pd.concat([later, decisions], ignore_index=True))
    assert len(first) == 10
    assert set(first["run_seq"]) == {1}


def test_an_action_held_back_had_no_chance() -> None:
    decisions = ledger(Shop(people=2)).assign(held_back=['["how_to_content"]', "[]"])
    assert chances_of(decisions, "how_to_content").tolist() == [0.0, 0.5]
    assert chances_of(decisions, "follow_up").tolist() == [0.0, 0.0]


def test_an_action_is_also_measured_against_its_own_control_group(params: Params) -> None:
    shop = Shop(control_share=0.1)
    decisions = ledger(shop, ("how_to_content",))
    draws = np.random.default_rng(4)
    held = draws.random(len(decisions)) < 0.25
    decisions["held_back"] = np.where(held, '["how_to_content"]', "[]")
    decisions["own_control"] = '{"how_to_content":0.25}'
    kept = held | (decisions["arm"] == "control").to_numpy()
    sent = decisions.assign(
        action=decisions["action"].where(~kept, None), delivered_at=decisions["delivered_at"].where(~kept)
    )
    write_shop(shop, sent)
    treated = decisions.loc[~kept, "customer_id"].to_numpy(object)
    write_orders(treated, np.full(len(treated), 5.0))
    told = measure(params, today(decisions["customer_id"].tolist()), NOW_US).report["actions"]
    own = told["how_to_content"]["against_own_control"]
    assert own["treated"] == (~kept).sum()
    assert own["control"] == (held & (decisions["arm"] == "treatment")).sum()
    assert own["effect_money"]["value"] == pytest.approx(100 * params.score.margin_share - 0.5)
    assert not own["sample_ratio"]["alarm"]
    assert "against_own_control" not in told["win_back_discount"]


def test_without_a_control_group_nothing_can_be_said(params: Params) -> None:
    shop = Shop(people=300, control_share=0.0)
    report = measure(params, write_shop(shop, ledger(shop)), NOW_US).report
    assert report["state"] == "learning"
    assert report["overall"]["effect_money"] == {"value": None, "low": None, "high": None}


def test_the_facts_of_the_ledger_are_those_of_the_plan() -> None:
    facts = today(["c1"])
    assert all(hasattr(facts, name) for name in FACTS)
