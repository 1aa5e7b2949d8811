"""Who is left out when not all can be reached, and how far from the best any plan could be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from serving.budgets import EVERYBODY, Spent, allocation, budget_of, used, within_budget
from serving.decisions import NOBODY, Decisions, decide
from serving.policy import CHANNELS, Policy
from serving.value import most_money
from tests.serving.people import ACTION, KEY, crowd, people, policy, shop

MIXED = {
    "letter": {**ACTION, "channels": ["email"]},
    "text": {**ACTION, "channels": ["sms"], "cost_money": 0.3},
    "gift": {**ACTION, "channels": ["email"], "offer_cost_money": 5.0},
}


def kept(decisions: Decisions, spent: Spent | None = None) -> Decisions:
    return within_budget(decisions, budget_of(decisions, spent or Spent()))


def contacted(decisions: Decisions) -> int:
    return int((decisions.action != NOBODY).sum())


def mixed_crowd(size: int, seed: int, rules: Policy) -> Decisions:
    rng = np.random.default_rng(seed)
    rows = (
        {
            "customer_id": f"c{n}",
            "margin_money": float(margin),
            "churn_probability": float(risk),
            "consent": [1.0, 1.0, None],
            "days_since_action": [None] * len(rules.actions),
        }
        for n, (margin, risk) in enumerate(zip(rng.gamma(2.0, 30.0, size), rng.uniform(0, 1, size), strict=True))
    )
    return decide(people(*rows), rules, shop(), KEY, rng.uniform(0, 0.4, (size, len(rules.actions))))


def best_by_linear_programme(decisions: Decisions, limits: dict[str, float]) -> float:
    """The value of the relaxed plan, by another road."""
    case = decisions.case
    rows, actions = np.nonzero(decisions.open & (case.value > 0))
    cost = most_money(case.facts, case.policy)[rows, actions]
    channel = case.channel[rows, actions]
    takes = {"contacts": np.ones(len(rows)), "money": cost}
    takes |= {name: (channel == place).astype(float) for place, name in enumerate(CHANNELS)}
    once = (rows[None, :] == np.unique(rows)[:, None]).astype(float)
    table = np.vstack([once, *(takes[name] for name in limits)])
    most = np.concatenate([np.ones(len(once)), list(limits.values())])
    return -float(linprog(-case.value[rows, actions], A_ub=table, b_ub=most, bounds=(0, 1)).fun)


def test_the_budget_keeps_the_highest_values() -> None:
    decided = decide(crowd(4), policy(max_contacts=2), shop(), KEY, np.array([[0.1], [0.4], [0.2], [0.3]]))
    assert kept(decided).gate.tolist() == ["budget", None, "budget", None]


def test_among_equal_values_the_lot_decides_and_the_budget_is_used_up() -> None:
    decided = decide(crowd(40), policy(max_contacts=25), shop(), KEY, np.full((40, 1), 0.2))
    assert contacted(kept(decided)) == 25


def test_while_learning_the_budget_draws_lots_and_says_with_which_chance() -> None:
    found = kept(decide(crowd(40), policy(max_contacts=10), shop(), KEY))
    assert contacted(found) == 10
    assert set(found.propensity[found.action != NOBODY]) == {0.25}
    assert np.isnan(found.propensity[found.action == NOBODY]).all()


def test_while_learning_every_channel_and_the_money_have_a_limit_of_their_own() -> None:
    rules = policy(actions=MIXED, budgets={"money": 60.0, "sends_per_day": {"sms": 10}})
    facts = people(
        *({"customer_id": f"c{n}", "consent": [1, 1, None], "days_since_action": [None] * 3} for n in range(300))
    )
    free, found = decide(facts, rules, shop(), KEY), kept(decide(facts, rules, shop(), KEY))
    taken = used(found)
    assert taken["sms"] <= 10
    assert 50 < taken["money"] <= 60
    texts, letters = (found.propensity[found.channel == place] for place in (1, 0))
    assert texts == pytest.approx(len(texts) / (free.channel == 1).sum() / 3)
    assert letters == pytest.approx(len(letters) / (free.channel == 0).sum() / 3)


def test_a_limit_that_is_large_enough_changes_nothing() -> None:
    decided = decide(crowd(4), policy(), shop(), KEY)
    assert budget_of(decided) == EVERYBODY
    roomy = decide(crowd(4), policy(max_contacts=4), shop(), KEY, np.full((4, 1), 0.2))
    assert kept(roomy).action.tolist() == roomy.action.tolist()


@pytest.mark.parametrize(
    "limit", [{"max_contacts": 0}, {"budgets": {"money": 0.0}}, {"budgets": {"sends_per_day": {"email": 0}}}]
)
@pytest.mark.parametrize("uplift", [None, np.full((5, 1), 0.4)])
def test_a_budget_of_nothing_sends_nothing(limit: dict[str, object], uplift: np.ndarray | None) -> None:
    found = kept(decide(crowd(5), policy(**limit), shop(), KEY, uplift))
    assert set(found.gate) == {"budget"}
    assert (found.action == NOBODY).all()


def test_what_earlier_runs_of_the_day_spent_is_gone() -> None:
    decided = decide(crowd(40), policy(max_contacts=30, budgets={"sends_per_day": {"email": 20}}), shop(), KEY)
    assert contacted(kept(decided, Spent(contacts=15))) == 15
    assert contacted(kept(decided, Spent(contacts=15, sends={"email": 12}))) == 8
    assert contacted(kept(decided, Spent(contacts=31))) == 0


def test_an_offer_of_unknown_cost_is_not_made_where_money_is_counted() -> None:
    deal = policy({"discount_share": 0.1}, budgets={"money": 1e6})
    facts = people({"order_value_money": None}, {"customer_id": "c2"})
    assert kept(decide(facts, deal, shop(), KEY)).gate.tolist() == ["budget", None]
    free = policy({"discount_share": 0.1})
    assert kept(decide(facts, free, shop(), KEY)).gate.tolist() == [None, None]


def test_scarce_money_goes_to_the_cheaper_action_where_it_brings_more_for_it() -> None:
    rules = policy(actions=MIXED, budgets={"money": 1.0})
    free = {"consent": [1.0, 1.0, None], "days_since_action": [None] * 3}
    decided = decide(people({**free}), rules, shop(), KEY, np.array([[0.2, 0.0, 0.9]]))
    assert decided.action.tolist() == [2]
    assert kept(decided).action.tolist() == [0]


@pytest.mark.parametrize("seed", range(5))
def test_the_gap_to_the_linear_programme_is_small_and_the_bound_is_one(seed: int) -> None:
    limits = {"contacts": 150.0, "money": 200.0, "email": 120.0, "sms": 60.0}
    rules = policy(
        actions=MIXED, max_contacts=150, budgets={"money": 200.0, "sends_per_day": {"email": 120, "sms": 60}}
    )
    decided = mixed_crowd(400, seed, rules)
    budget = budget_of(decided)
    found = within_budget(decided, budget)
    told = allocation(decided, found, budget)
    best = best_by_linear_programme(decided, limits)
    assert all(used(found)[name] <= limit + 1e-9 for name, limit in limits.items())
    assert float(str(told["bound_money"])) >= best - 1e-6
    assert float(str(told["gap_share"])) < 0.02
    assert float(str(told["value_money"])) > 0.98 * best
    assert float(str(told["bound_money"])) < 1.005 * best


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60), st.floats(0, 60), st.integers(0, 40), st.booleans())
def test_no_limit_is_ever_exceeded(seed: int, contacts: int, money: float, texts: int, learning: bool) -> None:
    rules = policy(
        actions=MIXED,
        max_contacts=contacts,
        budgets={"money": money, "sends_per_day": {"sms": texts}},
        explore_share=0.3,
    )
    decided = mixed_crowd(60, seed, rules)
    if learning:
        decided = decide(decided.case.facts, rules, shop(), KEY)
    found = used(kept(decided))
    assert found["contacts"] <= contacts
    assert found["money"] <= money + 1e-9
    assert found["sms"] <= texts


def test_a_customer_alone_is_decided_on_as_among_all() -> None:
    rules = policy(actions=MIXED, max_contacts=20, budgets={"money": 30.0})
    decided = mixed_crowd(60, 3, rules)
    budget = budget_of(decided)
    whole = within_budget(decided, budget)
    facts = decided.case.facts
    rows = facts.rows()
    for place in range(60):
        one = decide(people(rows[place]), rules, shop(), KEY, decided.uplift[place : place + 1])  # type: ignore[index]
        assert within_budget(one, budget).action.tolist() == [whole.action[place]]
