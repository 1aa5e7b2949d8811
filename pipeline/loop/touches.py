"""From decisions to the world: who is touched how, and what a touch is to the demo shop's people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.log import DAY_US, Ints
from pipeline.demo_shop.ahead import Month
from pipeline.demo_shop.ahead_people import Everybody, Sent
from pipeline.demo_shop.ahead_tables import customer_ids
from pipeline.demo_shop.ahead_truth import Offer
from serving.history import Floats, Texts
from serving.policy import Policy

_FELT = ("is_ask", "effect", "discount_share", "offer_cost")


@dataclass(frozen=True)
class Chosen:
    """Touches to send, one row each; `action` is a position in the policy's actions, `at_us` is µs UTC.

    `is_told`: the dispatcher has told the inbox, so the next pull knows them.
    """

    customer_id: Texts
    action: Ints
    at_us: Ints
    propensity: Floats
    is_told: bool = False

    def __len__(self) -> int:
        return len(self.customer_id)


def nobody() -> Chosen:
    """Nothing at all."""
    none = np.empty(0, dtype=np.int64)
    return Chosen(np.empty(0, dtype=object), none, none, none.astype(np.float64))


def positions(everybody: Everybody, ids: Texts) -> Ints:
    """Where these customers stand among everybody; KeyError for one the shop never had."""
    place = {name: at for at, name in enumerate(customer_ids(everybody).tolist())}
    return np.array([place[name] for name in ids.tolist()], dtype=np.int64)


def offers(policy: Policy, content_share: float) -> list[Offer]:
    """Each action as people feel it: an ask with all of their lift, anything else with a part."""
    return [
        Offer(
            is_ask=action.intent == "ask",
            effect=1.0 if action.intent == "ask" else content_share,
            discount_share=action.discount_share,
            offer_cost=action.offer_cost_money,
            send_cost=action.cost_money,
            complaint_cost=policy.complaint_cost_money,
        )
        for action in policy.actions.values()
    ]


def sent_of(chosen: Chosen, policy: Policy, everybody: Everybody) -> Sent:
    """The touches as the world lives them."""
    every = offers(policy, everybody.scene.habits.content_lift_share)
    asks, effect, discount, offer = (np.array([getattr(each, name) for each in every]) for name in _FELT)
    return Sent(
        person=positions(everybody, chosen.customer_id),
        at=chosen.at_us / DAY_US,
        is_ask=asks[chosen.action].astype(bool),
        effect=effect[chosen.action].astype(np.float64),
        discount=discount[chosen.action].astype(np.float64),
        offer=offer[chosen.action].astype(np.float64),
    )


def net_margin(month: Month, chosen: Chosen, policy: Policy, everybody: Everybody) -> Floats:
    """Margin of the month per person, less what the messages and the complaints cost."""
    costs = np.array([action.cost_money for action in policy.actions.values()])
    who = positions(everybody, chosen.customer_id)
    spent = np.bincount(who, costs[chosen.action], len(everybody.people))
    net: Floats = month.margin - spent - policy.complaint_cost_money * month.complaints
    return net
