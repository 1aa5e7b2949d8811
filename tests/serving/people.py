"""Hand-made policies and customers for the tests of the decisions."""

from __future__ import annotations

import numpy as np

from serving.facts import Facts, facts_from_rows
from serving.gates import Shop
from serving.policy import Policy

KEY = b"a key for the tests"
AS_OF_US = 1_767_268_800_000_000  # 2026-01-01 12:00 UTC
DAY_US = 86_400_000_000

ACTION: dict[str, object] = {
    "intent": "service",
    "channels": ["email"],
    "cost_money": 0.02,
    "discount_share": 0.0,
    "unsubscribe_rise": 0.0,
    "complaint_rise": 0.0,
    "cooldown_days": 60,
    "days_since_last_order": [10, 365],
    "min_churn_probability": 0.0,
    "orders": [1, None],
}
POLICY: dict[str, object] = {
    "policy_version": "test-1",
    "holdout_version": 1,
    "control_share": 0.0,
    "assume_consent": False,
    "max_contacts": None,
    "max_touches_per_30_days": 4,
    "min_days_between_touches": 3,
    "max_ask_share": 0.2,
    "max_data_age_days": 7,
    "max_complaint_share": 0.003,
    "complaint_cost_money": 20.0,
    "open_order_days": 7,
    "open_ticket_days": 60,
    "open_return_days": 14,
    "min_value_money": 0.0,
    "quiet_hours": [21, 8],
    "default_timezone": "UTC",
    "valid_days": 7,
    "actions": {"follow_up": ACTION},
}
PERSON: dict[str, object] = {
    "customer_id": "c1",
    "churn_probability": 0.5,
    "margin_money": 40.0,
    "order_value_money": 60.0,
    "orders": 3.0,
    "days_since_last_order": 30.0,
    "consent": [1.0, None, None],
    "timezone": "UTC",
    "suppressed": False,
    "touches": 0.0,
    "asks": 0.0,
    "touches_30d": 0.0,
    "touches_today": 0.0,
    "days_since_last_touch": None,
    "days_since_action": [None],
    "open_ticket": False,
    "open_return": False,
    "mean_gap_days": None,
    "blocked": [False] * 4,
    "open_message": False,
}


def policy(action: dict[str, object] | None = None, **changes: object) -> Policy:
    """The test policy with one action, changed where asked."""
    actions = {"follow_up": {**ACTION, **(action or {})}}
    return Policy.model_validate({**POLICY, "actions": actions, **changes})


def people(*changes: dict[str, object]) -> Facts:
    """One customer per change, all contactable but for it."""
    return facts_from_rows([{**PERSON, **change} for change in changes])


def crowd(size: int) -> Facts:
    """Many contactable customers."""
    return people(*({"customer_id": f"c{number}"} for number in range(size)))


def shop(**changes: object) -> Shop:
    """A shop in order, at noon."""
    usual = {"as_of_us": AS_OF_US, "data_age_days": 0.5, "complaint_share": 0.0, "model_refused": False}
    return Shop(**{**usual, **changes})  # type: ignore[arg-type]


def iso(instant_us: int) -> str:
    """An instant as text."""
    return str(np.datetime64(instant_us, "us"))
