"""The policies of the compared futures."""

from __future__ import annotations

from pipeline.loop.policies import contacts_of, policy_of_messages, without_controls
from pipeline.params import load_params
from tests.pipeline.shops import ROOT

POLICY = load_params(ROOT / "params.yaml").plan


def test_tasks_are_left_out_and_contacts_limited() -> None:
    found = policy_of_messages(POLICY, 50)
    assert found.max_contacts == 50
    assert all("task" not in action.channels for action in found.actions.values())
    assert set(found.actions) < set(POLICY.actions)
    assert "task" not in found.budgets.sends_per_day


def test_who_need_not_measure_keeps_nobody_out() -> None:
    found = without_controls(POLICY)
    assert found.control_share == 0.0
    assert {action.control_share for action in found.actions.values()} == {0.0}
    assert found.max_ask_share == POLICY.max_ask_share


def test_contacts_grow_with_the_shop() -> None:
    assert [contacts_of(count) for count in (1, 1000, 20_000)] == [1, 50, 1000]
