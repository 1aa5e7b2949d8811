"""Faults of a policy that are found when it is read."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.serving.people import POLICY, policy

FAULTS: dict[str, tuple[dict[str, object], dict[str, object], str]] = {
    # action, policy, message
    "an action without a cost": ({"cost_money": None}, {}, "cost_money"),
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
