"""The chance of each action, had no control group held it back."""

from __future__ import annotations

import numpy as np
import pytest

from serving.budgets import EVERYBODY, budget_of, within_budget
from serving.chances import chances
from serving.decisions import NOBODY, Decisions, decide
from serving.history import Floats
from serving.policy import Policy
from tests.serving.people import ACTION, KEY, people, policy, shop

THREE = {
    "letter": {**ACTION, "days_since_last_order": [10, 365]},
    "guide": {**ACTION, "intent": "content", "days_since_last_order": [10, 90]},
    "offer": {**ACTION, "channels": ["sms"], "control_share": 0.4, "discount_share": 0.1},
}


def _rules(**changes: object) -> Policy:
    return policy(**{"actions": THREE, "control_share": 0.3, "explore_share": 0.2} | changes)


def _crowd(rules: Policy, size: int = 400, uplift: Floats | None = None, key: bytes = KEY) -> Decisions:
    rows = (
        {
            "customer_id": f"c{number}",
            "days_since_last_order": 30.0 if number % 2 else 200.0,
            "consent": [1.0, 1.0 if number % 3 else None, None],
            "days_since_action": [None] * 3,
        }
        for number in range(size)
    )
    return decide(people(*rows), rules, shop(), key, uplift)


def test_the_chance_of_what_was_chosen_is_its_propensity() -> None:
    for uplift in (None, np.tile([0.1, 0.3, 0.2], (400, 1))):
        proposed = _crowd(_rules(max_contacts=100), uplift=uplift)
        budget = budget_of(proposed)
        decided = within_budget(proposed, budget)
        rows = np.flatnonzero(decided.action != NOBODY)
        found = chances(decided, budget)[rows, decided.action[rows]]
        assert len(rows) > 20
        assert found == pytest.approx(decided.propensity[rows])


def test_the_control_group_has_the_chances_it_would_have_had() -> None:
    decided = _crowd(_rules())
    found = chances(decided, EVERYBODY)
    held = decided.in_control
    assert (decided.action[held] == NOBODY).all()
    assert sorted(set(np.round(found[held, 0], 4))) == [0.3333, 0.5, 1.0]
    # By 200 days the guide is no longer sent, and one without a yes to SMS is never offered anything by it.
    assert not found[::2, 1].any()
    assert not found[::3, 2].any()


def test_an_action_held_back_counts_as_if_it_were_not_but_only_for_itself() -> None:
    decided = _crowd(_rules(control_share=0.0))
    found = chances(decided, EVERYBODY)
    held = decided.case.in_action_control[:, 2]
    both = np.arange(400) % 2 == 1
    some = both & held & (np.arange(400) % 3 != 0)
    assert some.sum() > 10
    assert found[some] == pytest.approx(np.tile([1 / 2, 1 / 2, 1 / 3], (some.sum(), 1)))


def test_actions_come_as_often_as_their_chance_says() -> None:
    rules, uplift = _rules(control_share=0.0), np.tile([0.1, 0.3, 0.2], (60, 1))
    rules = rules.model_copy(
        update={"actions": {n: a.model_copy(update={"control_share": 0.0}) for n, a in rules.actions.items()}}
    )
    drawn = np.zeros((60, 3))
    for number in range(300):
        decided = _crowd(rules, 60, uplift, f"key {number}".encode())
        rows = np.flatnonzero(decided.action != NOBODY)
        drawn[rows, decided.action[rows]] += 1 / 300
    assert np.abs(drawn - chances(decided, EVERYBODY)).max() < 0.11


def test_whom_a_gate_stops_nothing_could_have_reached() -> None:
    decided = decide(people({"suppressed": True, "days_since_action": [None] * 3}), _rules(), shop(), KEY)
    assert not chances(decided, EVERYBODY).any()
