"""The gates, in their one fixed order; the first that leaves a customer no action is the recorded reason.

A gate answers, for each customer and action, whether it lets the action pass. What is unknown does not pass where a
person's wish is concerned (consent), and passes where only money is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.log import Ints
from serving.facts import CHANNELS, Facts
from serving.history import Flags, Floats, Texts
from serving.policy import Policy


@dataclass(frozen=True)
class Shop:
    """What holds for everyone in one run; the instant is int64 µs UTC."""

    as_of_us: int
    data_age_days: float
    complaint_share: float
    model_refused: bool


@dataclass(frozen=True)
class Case:
    """What the gates look at: per customer the facts, the arm and the next moment to send; per action its value."""

    facts: Facts
    policy: Policy
    shop: Shop
    in_control: Flags
    send_after: Ints
    expires_at: int
    value: Floats


Gate = Callable[[Case], Flags]


def _everyone(case: Case, passes: bool) -> Flags:
    return np.full(len(case.facts), passes)


def _not_suppressed(case: Case) -> Flags:
    return ~case.facts.suppressed


def _consented(case: Case) -> Flags:
    known = np.where(np.isnan(case.facts.consent), float(case.policy.assume_consent), case.facts.consent)
    channels = [CHANNELS.index(action.channel) for action in case.policy.actions.values()]
    yes: Flags = known[:, channels] == 1.0
    return yes


def _not_in_control(case: Case) -> Flags:
    return ~case.in_control


def _few_complaints(case: Case) -> Flags:
    return _everyone(case, case.shop.complaint_share <= case.policy.max_complaint_share)


def _no_open_order(case: Case) -> Flags:
    return ~(case.facts.days_since_last_order < case.policy.open_order_days)


def _no_open_ticket(case: Case) -> Flags:
    return ~case.facts.open_ticket


def _no_open_return(case: Case) -> Flags:
    return ~case.facts.open_return


def _fresh(case: Case) -> Flags:
    return _everyone(case, case.shop.data_age_days <= case.policy.max_data_age_days)


def _model_in_force(case: Case) -> Flags:
    return np.isfinite(case.facts.churn_probability) & (not case.shop.model_refused)


def _below_cap(case: Case) -> Flags:
    facts, policy = case.facts, case.policy
    rested = ~(facts.days_since_last_touch < policy.min_days_between_touches)
    return (facts.touches_30d < policy.max_touches_per_30_days) & rested


def _eligible(case: Case) -> Flags:
    return np.column_stack([_meets(case.facts, case.policy, name) for name in case.policy.actions])


def _meets(facts: Facts, policy: Policy, name: str) -> Flags:
    action = policy.actions[name]
    first, last = action.days_since_last_order
    fewest, most = action.orders
    waited = (facts.days_since_last_order >= first) & (facts.days_since_last_order <= last)
    bought = (facts.orders >= fewest) & (facts.orders <= (np.inf if most is None else most))
    return waited & bought & (facts.churn_probability >= action.min_churn_probability)


def _asks_seldom(case: Case) -> Flags:
    asks, touches = case.facts.asks[:, None], case.facts.touches[:, None]
    is_ask = np.array([action.intent == "ask" for action in case.policy.actions.values()])
    # One part in a billion keeps 1 <= 0.2 * 5 from failing in binary.
    return ~is_ask | (asks + 1 <= case.policy.max_ask_share * (touches + 1) + 1e-9)


def _opens_in_time(case: Case) -> Flags:
    return case.send_after < case.expires_at


def _cooled_down(case: Case) -> Flags:
    cooldown = np.array([action.cooldown_days for action in case.policy.actions.values()])
    return ~(case.facts.days_since_action < cooldown)


def _worth_it(case: Case) -> Flags:
    return ~(case.value < case.policy.min_value_money)


GATES: dict[str, Gate] = {
    "suppressed": _not_suppressed,
    "no_consent": _consented,
    "control": _not_in_control,
    "complaint_breaker": _few_complaints,
    "open_order": _no_open_order,
    "open_ticket": _no_open_ticket,
    "open_return": _no_open_return,
    "stale_data": _fresh,
    "refused_model": _model_in_force,
    "frequency_cap": _below_cap,
    "no_action": _eligible,
    "ask_ratio": _asks_seldom,
    "quiet_hours": _opens_in_time,
    "cooldown": _cooled_down,
    "low_value": _worth_it,
}
BUDGET = "budget"


def pass_gates(case: Case) -> tuple[Flags, Texts]:
    """Which actions pass every gate, (n, actions), and the first gate that said no, None where an action is left."""
    open_ = np.ones((len(case.facts), len(case.policy.actions)), dtype=bool)
    stopped_by = np.full(len(case.facts), None, dtype=object)
    for name, gate in GATES.items():
        passes = gate(case)
        left = open_ & (passes if passes.ndim == 2 else passes[:, None])
        stopped_by[open_.any(axis=1) & ~left.any(axis=1)] = name
        open_ = left
    return open_, stopped_by
