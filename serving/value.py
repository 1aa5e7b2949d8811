"""What an action is expected to bring, in money.

value = uplift * margin - (p0 + uplift) * discount - send cost - unsubscribe rise * future value - complaint rise * cost

p0 is the probability of an order if nothing is sent, uplift how much the action adds to it. A customer costs a discount
also where the order would have come anyway: that is the leakage. The future value is the margin over the horizon.
"""

from __future__ import annotations

import numpy as np

from serving.facts import Facts
from serving.history import Floats
from serving.policy import Policy


def expected_value(facts: Facts, policy: Policy, uplift: Floats) -> Floats:
    """Money per customer and action (columns in the policy's order); uplift has the same shape; NaN when unknown."""
    actions = policy.actions.values()
    buys_anyway = 1.0 - facts.churn_probability[:, None]
    margin = facts.margin_money[:, None]
    discount_share = np.array([action.discount_share for action in actions])
    # Without a discount its size does not matter, so an unknown order value must not make the whole sum unknown.
    discount = np.where(discount_share > 0, discount_share * facts.order_value_money[:, None], 0.0)
    harm = np.array([action.complaint_rise for action in actions]) * policy.complaint_cost_money
    leaving = np.array([action.unsubscribe_rise for action in actions]) * margin
    cost = np.array([action.cost_money for action in actions])
    value: Floats = uplift * margin - (buys_anyway + uplift) * discount - cost - leaving - harm
    return value


def highest_value(facts: Facts, policy: Policy) -> Floats:
    """The value if the action made certain of an order: no real uplift can bring more."""
    certain = np.broadcast_to(facts.churn_probability[:, None], (len(facts), len(policy.actions)))
    return expected_value(facts, policy, certain)
