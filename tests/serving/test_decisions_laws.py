"""Laws of the decisions, on made-up crowds: order changes nothing, a no is a no, the odd ends in nothing sent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.budgets import budget_of, within_budget
from serving.decisions import NOBODY, Decisions, decide
from serving.facts import Facts, facts_from_rows
from serving.history import Floats
from serving.policy import Policy
from tests.serving.people import ACTION, KEY, PERSON, people, policy, shop

ACTIONS = {
    "talk": {**ACTION, "control_share": 0.2, "channels": ["sms", "email"]},
    "pitch": {**ACTION, "intent": "ask", "discount_share": 0.1},
    "task": {**ACTION, "channels": ["task"], "cost_money": 3.0},
}
RULES = policy(
    actions=ACTIONS,
    control_share=0.15,
    explore_share=0.3,
    max_contacts=25,
    budgets={"money": 60.0, "sends_per_day": {"task": 3}},
    max_ask_share=0.5,
)
_yes = st.sampled_from([1.0, 0.0, None])
PEOPLE = st.fixed_dictionaries(
    {
        "churn_probability": st.one_of(st.none(), st.floats(0, 1)),
        "margin_money": st.one_of(st.none(), st.floats(-50, 500)),
        "order_value_money": st.one_of(st.none(), st.floats(0, 500)),
        "orders": st.integers(1, 20).map(float),
        "days_since_last_order": st.floats(0, 500),
        "consent": st.lists(_yes, min_size=3, max_size=3),
        "timezone": st.sampled_from(["", "UTC", "Asia/Kolkata", "America/New_York", "Mars/Olympus"]),
        "suppressed": st.booleans(),
        "blocked": st.lists(st.booleans(), min_size=4, max_size=4),
        "open_message": st.booleans(),
        "open_ticket": st.booleans(),
        "touches_30d": st.integers(0, 6).map(float),
        "touches_today": st.integers(0, 2).map(float),
        "days_since_last_touch": st.one_of(st.none(), st.floats(0, 100)),
    }
)
CROWDS = st.lists(PEOPLE, min_size=1, max_size=40)


def crowd_of(rows: list[dict[str, object]]) -> Facts:
    usual = {"days_since_action": [None] * 3}
    return facts_from_rows([{**PERSON, **usual, "customer_id": f"c{n}", **row} for n, row in enumerate(rows)])


def planned(facts: Facts, uplift: Floats | None, rules: Policy = RULES) -> Decisions:
    proposed = decide(facts, rules, shop(), KEY, uplift)
    return within_budget(proposed, budget_of(proposed))


def uplift_of(facts: Facts, seed: int | None) -> Floats | None:
    if seed is None:
        return None
    found = np.random.default_rng(seed).uniform(-0.2, 0.5, (len(facts), 3))
    found[::5, 1] = np.nan
    return found


SEEDS = st.one_of(st.none(), st.integers(0, 1000))


@settings(max_examples=60, deadline=None)
@given(CROWDS, SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_the_customers_changes_no_decision(
    rows: list[dict[str, object]], seed: int | None, chance
) -> None:  # type: ignore[no-untyped-def]
    facts = crowd_of(rows)
    uplift, order = uplift_of(facts, seed), list(range(len(rows)))
    chance.shuffle(order)
    one = planned(facts, uplift)
    turned = facts_from_rows([facts.rows()[place] for place in order])
    other = planned(turned, None if uplift is None else uplift[order])
    for column in ("customer_id", "action", "channel", "gate", "decision_id"):
        assert getattr(one, column)[order].tolist() == getattr(other, column).tolist()
    np.testing.assert_allclose(one.propensity[order], other.propensity)


@settings(max_examples=60, deadline=None)
@given(CROWDS, SEEDS)
def test_a_no_is_a_no(rows: list[dict[str, object]], seed: int | None) -> None:
    facts = crowd_of(rows)
    found = planned(facts, uplift_of(facts, seed))
    acting = found.action != NOBODY
    assert not acting[facts.suppressed].any()
    assert not acting[facts.open_message].any()
    assert not acting[found.in_control].any()
    assert not acting[(facts.consent != 1.0).all(axis=1)].any()
    assert not acting[np.isnan(facts.churn_probability)].any()
    for place in np.flatnonzero(acting):
        channel = found.channel[place]
        assert not facts.blocked[place, channel]
        assert channel == 3 or facts.consent[place, channel] == 1.0
    assert (acting == np.array([gate is None for gate in found.gate])).all()


@settings(max_examples=40, deadline=None)
@given(CROWDS, SEEDS)
def test_a_chance_is_one(rows: list[dict[str, object]], seed: int | None) -> None:
    facts = crowd_of(rows)
    found = planned(facts, uplift_of(facts, seed))
    acting = found.action != NOBODY
    assert ((found.propensity[acting] > 0) & (found.propensity[acting] <= 1 + 1e-12)).all()
    assert np.isnan(found.propensity[~acting]).all()


@pytest.mark.parametrize(
    ("person", "gate"),
    [
        ({"suppressed": True}, "suppressed"),
        ({"days_since_last_order": 900.0}, "no_action"),
        ({"margin_money": -100.0}, "low_value"),
        ({"churn_probability": None}, "refused_model"),
    ],
)
def test_where_nobody_can_be_contacted_nothing_is_sent(person: dict[str, object], gate: str) -> None:
    facts = people(*({"customer_id": f"c{n}", **person} for n in range(20)))
    free = policy(budgets={"money": 50.0}, max_contacts=5)
    for uplift in (None, np.full((20, 1), 0.2)):
        found = planned(facts, uplift, free)
        assert set(found.gate) == {gate}
        assert (found.action == NOBODY).all()


def test_a_harmful_uplift_everywhere_sends_nothing() -> None:
    facts = people(*({"customer_id": f"c{n}"} for n in range(20)))
    assert set(planned(facts, np.full((20, 1), -0.1), policy()).gate) == {"low_value"}
