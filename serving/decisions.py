"""Who gets what, when; and for everyone left alone, why. Pure: the nightly plan and the endpoint both call `decide`.

While no uplift is known the choice among the open actions is drawn at random and its propensity is kept, so that the
effect can be measured later; with an uplift the action of the highest expected value is chosen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from features.log import DAY_US, Ints
from serving.draws import uniform_draws
from serving.facts import Facts
from serving.gates import BUDGET, Case, Shop, pass_gates
from serving.history import Flags, Floats, Texts
from serving.hours import next_allowed
from serving.policy import Policy
from serving.value import expected_value, highest_value

NOBODY = -1


@dataclass(frozen=True)
class Decisions:
    """One row per customer; `action` is a position in the policy's actions, NOBODY where a gate said no.

    `rank` orders customers under the budget; `propensity` is the chance that the draws gave this action to somebody who
    passed the gates. Value and uplift are NaN while they are unknown. Instants are int64 µs UTC.
    """

    decision_id: Texts
    customer_id: Texts
    in_control: Flags
    action: Ints
    gate: Texts
    send_after: Ints
    expires_at: int
    expected_uplift: Floats
    expected_value: Floats
    propensity: Floats
    rank: Floats


@dataclass(frozen=True)
class Budget:
    """Who comes first when not all may be contacted: the lowest rank inside, and the share of the passed it lets in."""

    lowest_rank: float
    share: float


# Finite, so that JSON can carry it.
_EXTREME = float(np.finfo(np.float64).max)
EVERYBODY = Budget(lowest_rank=-_EXTREME, share=1.0)


def decide(facts: Facts, policy: Policy, shop: Shop, key: bytes, uplift: Floats | None = None) -> Decisions:
    """Decisions for these customers before the budget; uplift (n, actions) is None while it is still to be learned."""
    case = _case(facts, policy, shop, key, uplift)
    open_, gate = pass_gates(case)
    action, propensity = _drawn(open_, case, key) if uplift is None else _best(open_, case.value)
    chosen = (np.arange(len(facts)), np.maximum(action, 0))
    known = (action != NOBODY) & (uplift is not None)
    rank = _lots(case, key, "budget") if uplift is None else case.value[chosen]
    return Decisions(
        decision_id=_decision_ids(facts, policy, shop),
        customer_id=facts.customer_id,
        in_control=case.in_control,
        action=action,
        gate=gate,
        send_after=case.send_after,
        expires_at=case.expires_at,
        expected_uplift=np.where(known, np.nan if uplift is None else uplift[chosen], np.nan),
        expected_value=np.where(known, case.value[chosen], np.nan),
        propensity=propensity,
        rank=rank,
    )


def budget_of(decisions: Decisions, max_contacts: int | None) -> Budget:
    """The budget that keeps at most `max_contacts` of those with an action, the highest ranks first."""
    ranks = np.sort(decisions.rank[decisions.action != NOBODY])[::-1]
    if max_contacts is None or len(ranks) <= max_contacts:
        return EVERYBODY
    if max_contacts == 0:
        return Budget(_EXTREME, 0.0)
    # Equal ranks across the border all stay out: the budget is a ceiling.
    lowest = ranks[max_contacts - 1]
    inside = lowest if ranks[max_contacts] < lowest else np.nextafter(lowest, np.inf)
    return Budget(float(inside), float(np.mean(ranks >= inside)))


def within_budget(decisions: Decisions, budget: Budget) -> Decisions:
    """The same decisions with those outside the budget left alone."""
    out = (decisions.action != NOBODY) & (decisions.rank < budget.lowest_rank)
    return replace(
        decisions,
        action=np.where(out, NOBODY, decisions.action),
        gate=np.where(out, np.array(BUDGET, dtype=object), decisions.gate),
        expected_uplift=np.where(out, np.nan, decisions.expected_uplift),
        expected_value=np.where(out, np.nan, decisions.expected_value),
        propensity=np.where(out, np.nan, decisions.propensity * budget.share),
    )


def _case(facts: Facts, policy: Policy, shop: Shop, key: bytes, uplift: Floats | None) -> Case:
    draws = uniform_draws(facts.customer_id, key, f"holdout:{policy.holdout_version}")
    opens = {
        zone: next_allowed(shop.as_of_us, zone, policy.quiet_hours, policy.default_timezone)
        for zone in set(facts.timezone)
    }
    return Case(
        facts=facts,
        policy=policy,
        shop=shop,
        in_control=draws < policy.control_share,
        send_after=np.array([opens[zone] for zone in facts.timezone], dtype=np.int64),
        expires_at=shop.as_of_us + policy.valid_days * DAY_US,
        value=highest_value(facts, policy) if uplift is None else expected_value(facts, policy, uplift),
    )


def _lots(case: Case, key: bytes, purpose: str) -> Floats:
    return uniform_draws(case.facts.customer_id, key, f"{purpose}:{case.policy.policy_version}:{case.shop.as_of_us}")


def _drawn(open_: Flags, case: Case, key: bytes) -> tuple[Ints, Floats]:
    """One of the open actions, each as likely as the others."""
    count = open_.sum(axis=1)
    lot = np.floor(_lots(case, key, "action") * count).astype(np.int64)
    action = np.argmax(np.cumsum(open_, axis=1) > lot[:, None], axis=1)
    propensity = np.divide(1.0, count, out=np.full(len(count), np.nan), where=count > 0)
    return np.where(count > 0, action, NOBODY), propensity


def _best(open_: Flags, value: Floats) -> tuple[Ints, Floats]:
    """The open action of the highest value; an unknown value comes last, the first of equals wins."""
    known = np.where(np.isnan(value), np.finfo(np.float64).min, value)
    action = np.argmax(np.where(open_, known, -np.inf), axis=1)
    some = open_.any(axis=1)
    return np.where(some, action, NOBODY), np.where(some, 1.0, np.nan)


def _decision_ids(facts: Facts, policy: Policy, shop: Shop) -> Texts:
    tail = f"\0{shop.as_of_us}\0{policy.policy_version}"
    digests = (hashlib.sha256(f"{name}{tail}".encode()).hexdigest() for name in facts.customer_id)
    return np.array([f"d-{digest[:20]}" for digest in digests], dtype=object)
