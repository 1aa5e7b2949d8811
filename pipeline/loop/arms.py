"""Whom each policy touches: all stand before the same gates and have the same number of contacts.

Who may be touched, and with which action, the gates have said; where the action is drawn by lot, it is the same lot for
every policy. So two policies differ in the people they choose, and the oracle also in the action.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from features.log import DAY_US, Ints
from pipeline.demo_shop.ahead import World
from pipeline.demo_shop.ahead_truth import true_value
from pipeline.loop.touches import Chosen, offers, positions
from serving.decisions import NOBODY, Decisions
from serving.history import Flags, Floats

Values = Callable[[Decisions], Floats]
Worth = tuple[Ints, Floats]  # per customer: the action, and what ranks it; NaN: not to be touched


def everybody(decisions: Decisions) -> Worth:
    """Whoever has an open action."""
    return _by_lot(decisions, np.zeros(len(decisions.customer_id)))


def random(decisions: Decisions) -> Worth:
    """By lot."""
    return _by_lot(decisions, decisions.lot)


def highest_risk(decisions: Decisions) -> Worth:
    """Who is most likely to be gone."""
    return _by_lot(decisions, decisions.case.facts.churn_probability)


def risk_times_value(decisions: Decisions) -> Worth:
    """The most margin at risk."""
    facts = decisions.case.facts
    return _by_lot(decisions, facts.churn_probability * facts.margin_money)


def by_value(decisions: Decisions, value: Floats) -> Worth:
    """The open action of the highest value, (n, actions), where that is above nothing."""
    best = np.where(decisions.open & ~np.isnan(value), value, -np.inf)
    action = np.argmax(best, axis=1)
    worth = best[np.arange(len(action)), action]
    return np.where(worth > 0, action, NOBODY), np.where(worth > 0, worth, np.nan)


def true_values(decisions: Decisions, world: World, until: float) -> Floats:
    """What every action is truly worth for these customers, (n, actions)."""
    policy, people = decisions.case.policy, world.everybody
    who = positions(people, decisions.customer_id)
    at = float(decisions.send_after.min()) / DAY_US
    every = offers(policy, people.scene.habits.content_lift_share)
    return np.column_stack([true_value(world, offer, at, until)[who] for offer in every])


def chosen(decisions: Decisions, worth: Worth, contacts: int | None) -> Chosen:
    """The best `contacts` of them; ties are settled by lot."""
    action, rank = worth
    may = np.flatnonzero((action != NOBODY) & ~np.isnan(rank))
    order = may[np.lexsort((decisions.lot[may], -rank[may]))]
    inside = np.sort(order[:contacts])
    share = len(inside) / len(may) if len(may) else np.nan
    return Chosen(
        customer_id=decisions.customer_id[inside],
        action=action[inside],
        at_us=decisions.send_after[inside],
        propensity=np.full(len(inside), share),
    )


def _by_lot(decisions: Decisions, rank: Floats) -> Worth:
    may: Flags = np.asarray(decisions.open.any(axis=1))
    return np.where(may, decisions.drawn, NOBODY), np.where(may, rank, np.nan)
