"""What an action is expected to bring, in money.

value = uplift * margin - (p0 + uplift) * offer - send cost - unsubscribe rise * future value - complaint rise * cost

p0 is the probability of an order if nothing is sent, uplift how much the action adds to it; the offer is the discount
and what else an order then costs. It is paid also where the order would have come anyway: that is the leakage. The
future value is the margin over the horizon. Arrays have a row per customer and a column per action of the policy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.facts import Facts
from serving.history import Floats
from serving.policy import Policy


@dataclass(frozen=True)
class Terms:
    """The five terms of the value, in money; NaN when unknown."""

    margin: Floats
    offer: Floats
    sending: Floats
    unsubscribes: Floats
    complaints: Floats

    def value(self) -> Floats:
        """Their sum, costs being taken off."""
        total: Floats = self.margin - self.offer - self.sending - self.unsubscribes - self.complaints
        return total


def value_terms(facts: Facts, policy: Policy, uplift: Floats) -> Terms:
    """The terms for each customer and action; uplift has the same shape."""
    actions = policy.actions.values()
    margin = facts.margin_money[:, None]
    everyone = np.ones((len(facts), 1))
    return Terms(
        margin=uplift * margin,
        offer=(1.0 - facts.churn_probability[:, None] + uplift) * offer_money(facts, policy),
        sending=everyone * np.array([action.cost_money for action in actions]),
        unsubscribes=np.array([action.unsubscribe_rise for action in actions]) * margin,
        complaints=everyone * np.array([action.complaint_rise for action in actions]) * policy.complaint_cost_money,
    )


def offer_money(facts: Facts, policy: Policy) -> Floats:
    """What an order costs on top once the action was sent: the discount and the fixed part; NaN when unknown."""
    actions = policy.actions.values()
    share = np.array([action.discount_share for action in actions])
    # Without a discount its size does not matter, so an unknown order value must not make the whole sum unknown.
    discount = np.where(share > 0, share * facts.order_value_money[:, None], 0.0)
    offer: Floats = discount + np.array([action.offer_cost_money for action in actions])
    return offer


def most_money(facts: Facts, policy: Policy) -> Floats:
    """What an action costs if the offer is taken: the figure that a budget of money counts."""
    most: Floats = offer_money(facts, policy) + np.array([action.cost_money for action in policy.actions.values()])
    return most


def expected_value(facts: Facts, policy: Policy, uplift: Floats) -> Floats:
    """Money per customer and action; NaN when unknown."""
    return value_terms(facts, policy, uplift).value()


def highest_value(facts: Facts, policy: Policy) -> Floats:
    """The value if the action made certain of an order: no real uplift can bring more."""
    certain = np.broadcast_to(facts.churn_probability[:, None], (len(facts), len(policy.actions)))
    return expected_value(facts, policy, certain)
