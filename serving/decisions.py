"""Who gets what, when; and for everyone left alone, why. Pure: the nightly plan and the endpoint both call `decide`.

While no uplift is known the choice among the open actions is drawn at random and its propensity is kept, so that the
effect can be measured later. With an uplift the action of the highest expected value is chosen, but for a share of the
customers (`explore_share`), who are drawn for as before: without them nothing more would be learned.

`python -m serving.decisions show ID` shows one that was committed (serving/show.py).
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass

import numpy as np

from features.log import DAY_US, Ints
from serving.draws import uniform_draws
from serving.facts import Facts
from serving.gates import NO_CHANNEL, Case, Shop, meets_conditions, pass_gates
from serving.history import Flags, Floats, Texts
from serving.hours import next_allowed
from serving.policy import Policy
from serving.value import expected_value, highest_value

NOBODY = -1


@dataclass(frozen=True)
class Decisions:
    """One row per customer; `action` is a position in the policy's actions, NOBODY where a gate said no.

    `channel` is a position in the policy's CHANNELS, or NO_CHANNEL. `propensity` is the chance that the draws gave this
    action to somebody who passed the gates. Value and uplift are NaN while they are unknown. `open` says which actions
    passed every gate, `drawn` which of them was drawn (NOBODY: the best is to be taken), `lot` is a number in [0, 1)
    that settles ties and, while learning, the budget. Instants are int64 µs UTC.
    """

    decision_id: Texts
    customer_id: Texts
    in_control: Flags
    action: Ints
    channel: Ints
    gate: Texts
    send_after: Ints
    expires_at: int
    expected_uplift: Floats
    expected_value: Floats
    propensity: Floats
    open: Flags
    drawn: Ints
    lot: Floats
    case: Case
    uplift: Floats | None

    @property
    def is_learning(self) -> bool:
        """True while no uplift is known."""
        return self.uplift is None


@dataclass(frozen=True)
class Choice:
    """The action of each customer, what is expected of it, and how likely it was."""

    action: Ints
    channel: Ints
    expected_uplift: Floats
    expected_value: Floats
    propensity: Floats


def decide(facts: Facts, policy: Policy, shop: Shop, key: bytes, uplift: Floats | None = None) -> Decisions:
    """Decisions for these customers before the budget; uplift (n, actions) is None while it is still to be learned."""
    case = _case(facts, policy, shop, key, uplift)
    open_, gate = pass_gates(case)
    drawn = _drawn(open_, case, key)
    if uplift is not None:
        drawn[_lots(case, key, "explore") >= policy.explore_share] = NOBODY
    choice = choose(case, open_, drawn, uplift, case.value)
    return Decisions(
        decision_id=_decision_ids(facts, policy, shop),
        customer_id=facts.customer_id,
        in_control=case.in_control,
        gate=gate,
        send_after=case.send_after,
        expires_at=case.expires_at,
        open=open_,
        drawn=drawn,
        lot=_lots(case, key, "budget"),
        case=case,
        uplift=uplift,
        **vars(choice),
    )


def choose(case: Case, open_: Flags, drawn: Ints, uplift: Floats | None, worth: Floats) -> Choice:
    """The drawn action, else the open one worth most; an unknown worth comes last, the first of equals wins."""
    count = open_.sum(axis=1)
    known = np.where(np.isnan(worth), np.finfo(np.float64).min, worth)
    best = np.argmax(np.where(open_, known, -np.inf), axis=1)
    action = np.where(count > 0, np.where(drawn != NOBODY, drawn, best), NOBODY)
    chosen = (np.arange(len(action)), np.maximum(action, 0))
    told = (action != NOBODY) & (uplift is not None)
    by_lot = 1.0 if uplift is None else case.policy.explore_share
    chance = np.divide(by_lot, count, out=np.full(len(count), np.nan), where=count > 0)
    return Choice(
        action=action,
        channel=np.where(action == NOBODY, NO_CHANNEL, case.channel[chosen]),
        expected_uplift=np.where(told, np.nan if uplift is None else uplift[chosen], np.nan),
        expected_value=np.where(told, case.value[chosen], np.nan),
        propensity=chance + (1.0 - by_lot) * (action == best),
    )


def _case(facts: Facts, policy: Policy, shop: Shop, key: bytes, uplift: Floats | None) -> Case:
    draws = uniform_draws(facts.customer_id, key, f"holdout:{policy.holdout_version}")
    opens = {
        zone: next_allowed(shop.as_of_us, zone, policy.quiet_hours, policy.default_timezone)
        for zone in set(facts.timezone)
    }
    case = Case(
        facts=facts,
        policy=policy,
        shop=shop,
        in_control=draws < policy.control_share,
        in_action_control=np.zeros((len(facts), len(policy.actions)), dtype=bool),
        send_after=np.array([opens[zone] for zone in facts.timezone], dtype=np.int64),
        expires_at=shop.as_of_us + policy.valid_days * DAY_US,
        value=highest_value(facts, policy) if uplift is None else expected_value(facts, policy, uplift),
    )
    _draw_action_controls(case, key)
    return case


def _draw_action_controls(case: Case, key: bytes) -> None:
    """Who is in the control group of which action; drawn only where the action's own conditions are met."""
    wanted = meets_conditions(case)
    for place, (name, action) in enumerate(case.policy.actions.items()):
        who = np.flatnonzero(wanted[:, place]) if action.control_share > 0 else np.empty(0, dtype=np.int64)
        purpose = f"holdout:{case.policy.holdout_version}:{name}"
        draws = uniform_draws(case.facts.customer_id[who], key, purpose)
        case.in_action_control[who, place] = draws < action.control_share


def _lots(case: Case, key: bytes, purpose: str) -> Floats:
    return uniform_draws(case.facts.customer_id, key, f"{purpose}:{case.policy.policy_version}:{case.shop.as_of_us}")


def _drawn(open_: Flags, case: Case, key: bytes) -> Ints:
    """One of the open actions, each as likely as the others."""
    count = open_.sum(axis=1)
    lot = np.floor(_lots(case, key, "action") * count).astype(np.int64)
    action = np.argmax(np.cumsum(open_, axis=1) > lot[:, None], axis=1)
    return np.where(count > 0, action, NOBODY)


def _decision_ids(facts: Facts, policy: Policy, shop: Shop) -> Texts:
    tail = f"\0{shop.as_of_us}\0{policy.policy_version}"
    digests = (hashlib.sha256(f"{name}{tail}".encode()).hexdigest() for name in facts.customer_id)
    return np.array([f"d-{digest[:20]}" for digest in digests], dtype=object)


if __name__ == "__main__":
    from serving.show import main

    main(sys.argv[1:])
