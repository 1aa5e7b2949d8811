"""Faults of a policy that are found when it is read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from serving.policy import Policy
from tests.serving.people import POLICY, policy

FAULTS: dict[str, tuple[dict[str, object], dict[str, object], str]] = {
    # action, policy, message
    "an action without a cost": ({"cost_money": None}, {}, "cost_money"),
    "a channel nobody knows": ({"channels": ["email", "fax"]}, {}, "Input should be 'email', 'sms', 'push' or 'task'"),
    "no channel": ({"channels": []}, {}, "channels"),
    "a channel named twice": ({"channels": ["sms", "email", "sms"]}, {}, "channels names sms twice"),
    "a daily cap above the monthly one": (
        {},
        {"max_touches_per_local_day": 5, "min_days_between_touches": 0},
        "max_touches_per_local_day 5 is more than max_touches_per_30_days 4",
    ),
    "a daily cap that the rest between touches rules out": (
        {},
        {"max_touches_per_local_day": 2},
        "max_touches_per_local_day 2 cannot be reached with min_days_between_touches 3",
    ),
    "a limit on a channel that no action uses": (
        {},
        {"budgets": {"money": None, "sends_per_day": {"sms": 5}}},
        "limits sms, which no action uses",
    ),
    "a limit on a channel nobody knows": ({}, {"budgets": {"sends_per_day": {"fax": 5}}}, "'push' or 'task'"),
    "an unknown key of the budgets": ({}, {"budgets": {"money_per_day": 5}}, "money_per_day"),
    "a negative budget": ({}, {"budgets": {"money": -1.0}}, "greater than or equal to 0"),
    "gaps that run backwards": ({"silence_in_gaps": [2.0, 1.0]}, {}, "runs backwards, from 2 to 1"),
    "an unknown key": ({}, {"max_contact": 3}, "max_contact"),
    "an unknown key of an action": ({"price": 3}, {}, "price"),
    "a share above one": ({}, {"control_share": 1.2}, "control_share"),
    "an unknown zone": ({}, {"default_timezone": "Mars/Olympus"}, "no time zone named 'Mars/Olympus'"),
    "no action at all": ({}, {"actions": {}}, "at least one action is needed"),
    "a cap that the rest between touches rules out": (
        {},
        {"min_days_between_touches": 15, "max_touches_per_30_days": 3},
        "max_touches_per_30_days 3 cannot be reached with min_days_between_touches 15",
    ),
    "an action that ends while the order is open": (
        {"days_since_last_order": [2, 6]},
        {},
        "action follow_up ends 6 days after the last order, but until day 7",
    ),
    "an ask where no ask is allowed": (
        {"intent": "ask"},
        {"max_ask_share": 0.0},
        "action follow_up asks for a sale, but max_ask_share is 0",
    ),
    "days that run backwards": ({"days_since_last_order": [60, 20]}, {}, "runs backwards, from 60 to 20"),
    "orders that run backwards": ({"orders": [3, 2]}, {}, "runs backwards, from 3 to 2"),
    "a name that would blur the touch's subject": ({}, {"actions": {"a:b": {}}}, "String should match pattern"),
    "a value that is no number": ({}, {"min_value_money": float("nan")}, "finite number"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(name: str) -> None:
    action, changes, message = FAULTS[name]
    with pytest.raises(ValidationError, match=message):
        policy(action, **changes)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ValidationError, match="open_order_days"):
        type(policy()).model_validate({key: value for key, value in POLICY.items() if key != "open_order_days"})


def test_a_budget_of_nothing_is_a_policy_like_any_other() -> None:
    assert policy(max_contacts=0, budgets={"money": 0.0, "sends_per_day": {"email": 0}}).max_contacts == 0


def test_the_policy_of_the_project_is_valid_and_holds_the_promised_actions() -> None:
    tree = yaml.safe_load((Path(__file__).resolve().parents[2] / "params.yaml").read_text(encoding="utf-8"))
    assert list(Policy.model_validate(tree["plan"]).actions) == [
        "follow_up", "review_request", "how_to_content", "second_order_nudge", "referral_invitation",
        "replenishment_reminder", "early_access", "free_shipping", "reason_survey", "win_back_discount",
        "personal_task",
    ]  # fmt: skip
