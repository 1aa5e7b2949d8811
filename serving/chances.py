"""How likely each action was for each customer, had no control group held it back: what the effect is weighed by.

Kept with every decision, also with those of the control group: who would have had an action, and how likely, is what
makes the two comparable. 0: a gate said no, or it was not the best and nothing was drawn.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.log import Ints
from serving.budgets import Budget, net_worth
from serving.decisions import Decisions
from serving.gates import verdicts
from serving.history import Flags, Floats
from serving.policy import CHANNELS
from serving.value import most_money

CONTROLS = ("control", "action_control")


def chances(decisions: Decisions, budget: Budget) -> Floats:
    """(n, actions): chance of the action outside all control groups and under the budget."""
    case = replace(decisions.case, in_action_control=np.zeros_like(decisions.case.in_action_control))
    passed = verdicts(case)
    open_ = np.logical_and.reduce([passes for name, passes in passed.items() if name not in CONTROLS])
    cost = most_money(case.facts, case.policy)
    if budget.counts_money:
        open_ = open_ & np.isfinite(cost)
    drawn = _drawn(open_, decisions.case.in_action_control)
    if decisions.is_learning:
        share = [budget.share.get(name, 1.0) for name in CHANNELS]
        lots: Floats = drawn * np.array([*share, 0.0])[case.channel]
        return lots
    worth = net_worth(decisions, budget)
    net = np.where(np.isnan(worth), np.finfo(np.float64).min, worth)
    best = np.argmax(np.where(open_, net, -np.inf), axis=1)
    is_best = open_ & (np.arange(open_.shape[1]) == best[:, None])
    inside = (net > 0) | (not budget.is_limited)
    by_lot = case.policy.explore_share
    found: Floats = (by_lot * drawn + (1.0 - by_lot) * is_best) * inside
    return found


def _drawn(open_: Flags, held_back: Flags) -> Floats:
    """Chance by lot: each open action as likely as the others that no control group of its own holds back."""
    others: Ints = (open_ & ~held_back).sum(axis=1, keepdims=True) - (open_ & ~held_back)
    return np.where(open_, 1.0 / (1.0 + others), 0.0)
