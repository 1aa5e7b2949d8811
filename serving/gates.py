"""The gates, in their one fixed order; the first that leaves a customer no action is the recorded reason.

A gate answers, for each customer and action, whether it lets the action pass. What is unknown does not pass where a
person's wish is concerned (consent), and passes where only money is. The control group of an action comes last, so that
whom it stops is whoever would have had the action: those two groups are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.log import Ints
from serving.breaker import FEWEST_TO_STOP
from serving.facts import Facts
from serving.history import Flags, Floats, Texts
from serving.policy import CHANNELS, Action, Policy

NO_CHANNEL = -1


@dataclass(frozen=True)
class Shop:
    """What holds for everyone in one run; the instant is int64 µs UTC, `paused` the channels that are switched off.

    `complaints`: how many the share is made of, None when only the share is known.
    """

    as_of_us: int
    data_age_days: float
    complaint_share: float
    model_refused: bool
    paused: tuple[str, ...] = ()
    complaints: int | None = None


@dataclass(frozen=True)
class Case:
    """What the gates look at: per customer the facts, the arms and the next moment to send; per action its value."""

    facts: Facts
    policy: Policy
    shop: Shop
    in_control: Flags
    in_action_control: Flags
    send_after: Ints
    expires_at: int
    value: Floats

    @cached_property
    def channel(self) -> Ints:
        """Per customer and action the first channel that may be used, as a position in CHANNELS, or NO_CHANNEL."""
        may = _agreed(self) & ~self.facts.blocked & ~_paused(self)
        ways = [_positions(action) for action in self.policy.actions.values()]
        first = [np.where(may[:, way].any(axis=1), way[np.argmax(may[:, way], axis=1)], NO_CHANNEL) for way in ways]
        return np.column_stack(first).astype(np.int64)


Gate = Callable[[Case], Flags]


def _everyone(case: Case, passes: bool) -> Flags:
    return np.full(len(case.facts), passes)


def _positions(action: Action) -> Ints:
    return np.array([CHANNELS.index(channel) for channel in action.channels], dtype=np.int64)


def _paused(case: Case) -> Flags:
    return np.array([channel in case.shop.paused for channel in CHANNELS])


def _agreed(case: Case) -> Flags:
    """Per customer and channel: a yes is on record, or assumed; a task needs a yes to anything."""
    known = np.where(np.isnan(case.facts.consent), float(case.policy.assume_consent), case.facts.consent)
    yes = known == 1.0
    return np.column_stack([yes, yes.any(axis=1)])


def _some_channel(case: Case, usable: Flags) -> Flags:
    """Per customer and action: is one of the action's channels usable?"""
    actions = case.policy.actions.values()
    return np.column_stack([usable[:, _positions(action)].any(axis=1) for action in actions])


def _not_paused(case: Case) -> Flags:
    return _some_channel(case, np.tile(~_paused(case), (len(case.facts), 1)))


def _not_suppressed(case: Case) -> Flags:
    return ~case.facts.suppressed[:, None] & _some_channel(case, ~case.facts.blocked)


def _consented(case: Case) -> Flags:
    yes: Flags = case.channel != NO_CHANNEL
    return yes


def _not_in_control(case: Case) -> Flags:
    return ~case.in_control


def _few_complaints(case: Case) -> Flags:
    # One complaint alone says little: among few messages it is any share at all (serving/breaker.py).
    few = case.shop.complaints is not None and case.shop.complaints < FEWEST_TO_STOP
    share = case.shop.complaint_share
    return _everyone(case, few or share == 0 or share < case.policy.max_complaint_share)


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
    seldom = facts.touches_30d < policy.max_touches_per_30_days
    return seldom & rested & (facts.touches_today < policy.max_touches_per_local_day) & ~facts.open_message


def _eligible(case: Case) -> Flags:
    return np.column_stack([_meets(case.facts, case.policy, name) for name in case.policy.actions])


def _meets(facts: Facts, policy: Policy, name: str) -> Flags:
    action = policy.actions[name]
    first, last = action.days_since_last_order
    fewest, most = action.orders
    waited = (facts.days_since_last_order >= first) & (facts.days_since_last_order <= last)
    bought = (facts.orders >= fewest) & (facts.orders <= (np.inf if most is None else most))
    low, high = action.silence_in_gaps or (0.0, np.inf)
    silence = facts.days_since_last_order / facts.mean_gap_days
    due = np.isnan(silence) | ((silence >= low) & (silence <= high))
    return waited & bought & due & (facts.churn_probability >= action.min_churn_probability)


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


def _not_in_action_control(case: Case) -> Flags:
    return ~case.in_action_control


GATES: dict[str, Gate] = {
    "paused": _not_paused,
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
    "action_control": _not_in_action_control,
}
BUDGET = "budget"


def verdicts(case: Case) -> dict[str, Flags]:
    """What every gate says of each customer and action, (n, actions); True lets it pass."""
    shape = (len(case.facts), len(case.policy.actions))
    found = {name: gate(case) for name, gate in GATES.items()}
    return {name: np.broadcast_to(_by_action(passes), shape) for name, passes in found.items()}


def pass_gates(case: Case) -> tuple[Flags, Texts]:
    """Which actions pass every gate, (n, actions), and the first gate that said no, None where an action is left."""
    open_ = np.ones((len(case.facts), len(case.policy.actions)), dtype=bool)
    stopped_by = np.full(len(case.facts), None, dtype=object)
    for name, gate in GATES.items():
        left = open_ & _by_action(gate(case))
        stopped_by[open_.any(axis=1) & ~left.any(axis=1)] = name
        open_ = left
    return open_, stopped_by


def meets_conditions(case: Case) -> Flags:
    """Per customer and action: are the action's own conditions met?"""
    return _eligible(case)


def _by_action(passes: Flags) -> Flags:
    return passes if passes.ndim == 2 else passes[:, None]
