"""Who comes first when money, contacts or sends do not reach for all.

While learning, by lot: everybody who passed the gates has the same chance. With a known uplift, by price: every scarce
thing gets a price, an action is worth its expected value less the prices of what it takes, and whoever is worth more
than nothing is in. The prices are those of the Lagrangian of

    max sum of values   subject to   money, contacts and sends per channel within their limits, one action per customer

so, at any prices, `sum of max(0, value - prices) + prices * limits` bounds what the linear programme and any plan can
reach (Sinha & Zoltners, "The multiple-choice knapsack problem", Operations Research 27, 1979). The gap to it is told.
A limit is a ceiling: money counts as if every offer were taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from features.log import Ints
from serving.decisions import NOBODY, Choice, Decisions, choose
from serving.gates import NO_CHANNEL
from serving.history import Flags, Floats
from serving.policy import CHANNELS, Policy
from serving.prices import CONTACTS, MONEY, Offers, charges, prices_of, use_of
from serving.value import most_money

BUDGET = "budget"
# Values closer than this, in money, are equal: the lot decides.
_TIE_MONEY = 1e-7
# Above every lot; finite, so that JSON can carry it.
_NOBODY_IN = 2.0


@dataclass(frozen=True)
class Spent:
    """What earlier runs of the same day have spent already."""

    contacts: int = 0
    money: float = 0.0
    sends: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Budget:
    """The rule that keeps the limits, for any customer alone; prices in money, lots in [0, 1], by channel.

    `prices` holds those of contacts, money and channels that bind; `lowest_lot` and `share` (of those who passed, how
    many are in) stand for learning. `bound_money`: what no plan within the limits can be worth more than.
    """

    prices: Mapping[str, float] = field(default_factory=dict)
    lowest_lot: Mapping[str, float] = field(default_factory=dict)
    share: Mapping[str, float] = field(default_factory=dict)
    is_limited: bool = False
    counts_money: bool = False
    bound_money: float | None = None

    def as_json(self) -> dict[str, object]:
        """As JSON members; `Budget(**members)` is the inverse."""
        return asdict(self)


EVERYBODY = Budget()
NOTHING_SPENT = Spent()


def limits_of(policy: Policy, spent: Spent = NOTHING_SPENT) -> dict[str, float]:
    """What may still be taken, by name: contacts, money, channels; what has no limit is left out."""
    budgets = policy.budgets
    limits: dict[str, float | None] = {CONTACTS: policy.max_contacts, MONEY: budgets.money}
    limits |= {name: float(most) for name, most in budgets.sends_per_day.items()}
    gone = {CONTACTS: spent.contacts, MONEY: spent.money, **spent.sends}
    left = {name: limit - gone.get(name, 0) for name, limit in limits.items() if limit is not None}
    return {name: max(float(rest), 0.0) for name, rest in left.items()}


def budget_of(decisions: Decisions, spent: Spent = NOTHING_SPENT) -> Budget:
    """The rule that keeps these decisions within what the policy allows and earlier runs have left."""
    limits = limits_of(decisions.case.policy, spent)
    if decisions.is_learning:
        return _by_lot(_affordable(decisions, MONEY in limits), limits)
    prices, bound = prices_of(_offers(decisions, MONEY in limits), limits)
    return Budget(prices, is_limited=bool(limits), counts_money=MONEY in limits, bound_money=bound)


def within_budget(decisions: Decisions, budget: Budget) -> Decisions:
    """The same decisions under the prices, with those outside the budget left alone."""
    policed = _affordable(decisions, budget.counts_money)
    case = decisions.case
    net = net_worth(decisions, budget)
    choice = choose(case, policed.open, policed.drawn, decisions.uplift, net)
    rows = np.arange(len(choice.action))
    if decisions.is_learning:
        inside = decisions.lot >= _by_channel(budget.lowest_lot, 0.0, choice.channel)
        choice = replace(choice, propensity=choice.propensity * _by_channel(budget.share, 1.0, choice.channel))
    else:
        inside = (net[rows, choice.action] > 0) | (not budget.is_limited)
    return _left_alone(decisions, choice, inside & (choice.action != NOBODY))


def net_worth(decisions: Decisions, budget: Budget) -> Floats:
    """What each action is worth above the prices of what it takes, (n, actions)."""
    case = decisions.case
    cost = most_money(case.facts, case.policy)
    # The same sums in the same order as for the prices: at the border the last bit decides.
    return _told_apart(decisions) - charges(budget.prices, cost, case.channel)


def _told_apart(decisions: Decisions) -> Floats:
    values: Floats = decisions.case.value + _TIE_MONEY * decisions.lot[:, None]
    return values


def used(decisions: Decisions) -> dict[str, float]:
    """What the decisions take: contacts, money if every offer is taken, and sends by channel."""
    rows = np.flatnonzero(decisions.action != NOBODY)
    cost = most_money(decisions.case.facts, decisions.case.policy)
    return use_of(np.nan_to_num(cost[rows, decisions.action[rows]]), decisions.channel[rows])


def allocation(proposed: Decisions, decisions: Decisions, budget: Budget) -> dict[str, object]:
    """For the report: limits, use, prices, and the value beside the bound that no plan can beat."""
    limits = limits_of(proposed.case.policy)
    told: dict[str, object] = {"limits": limits, "used": used(decisions), "prices": dict(budget.prices)}
    if proposed.is_learning:
        return told | {"value_money": None, "bound_money": None, "gap_share": None}
    value = float(np.nansum(decisions.expected_value))
    bound = max(budget.bound_money or 0.0, value)
    return told | {"value_money": value, "bound_money": bound, "gap_share": (bound - value) / bound if bound else 0.0}


def _affordable(decisions: Decisions, counts_money: bool) -> Decisions:
    """Without what could cost any sum, where money is counted; a drawn action that falls away leaves nothing."""
    if not counts_money:
        return decisions
    known = np.isfinite(most_money(decisions.case.facts, decisions.case.policy))
    open_ = decisions.open & known
    drawn_is_open = open_[np.arange(len(open_)), np.maximum(decisions.drawn, 0)]
    open_[(decisions.drawn != NOBODY) & ~drawn_is_open] = False
    return replace(decisions, open=open_)


def _offers(decisions: Decisions, counts_money: bool) -> Offers:
    policed = _affordable(decisions, counts_money)
    case = policed.case
    only = np.arange(policed.open.shape[1]) == policed.drawn[:, None]
    candidates = policed.open & (only | (policed.drawn == NOBODY)[:, None]) & (case.value > 0)
    rows = np.flatnonzero(candidates.any(axis=1))
    value = _told_apart(policed)[rows]
    cost = np.where(candidates[rows], most_money(case.facts, case.policy)[rows], 0.0)
    return Offers(np.where(candidates[rows], value, -np.inf), cost, case.channel[rows])


def _by_lot(decisions: Decisions, limits: Mapping[str, float]) -> Budget:
    """The highest lots are in: first within each channel, then over all for contacts and money."""
    acting = decisions.open.any(axis=1)
    channel = np.where(acting, decisions.channel, NO_CHANNEL)
    lowest = {
        name: _lowest_of(decisions.lot[channel == CHANNELS.index(name)], limits[name]) for name in _scarce(limits)
    }
    inside = acting & (decisions.lot >= _by_channel(lowest, 0.0, channel))
    overall = _overall(decisions, np.flatnonzero(inside), limits)
    lots: dict[str, float] = {
        name: max(lowest.get(name, 0.0), overall) for name in CHANNELS if max(lowest.get(name, 0.0), overall) > 0
    }
    passed = {name: decisions.lot[channel == CHANNELS.index(name)] for name in lots}
    share: dict[str, float] = {
        name: float(np.mean(passed[name] >= lot)) if len(passed[name]) else 0.0 for name, lot in lots.items()
    }
    return Budget({}, lots, share, bool(limits), MONEY in limits)


def _scarce(limits: Mapping[str, float]) -> list[str]:
    return [name for name in CHANNELS if name in limits]


def _lowest_of(lots: Floats, places: float) -> float:
    """The lowest lot that is in when only so many places are there; 0 when there is room for all."""
    if len(lots) <= places:
        return 0.0
    return float(np.sort(lots)[::-1][int(places) - 1]) if places >= 1 else _NOBODY_IN


def _overall(decisions: Decisions, rows: Ints, limits: Mapping[str, float]) -> float:
    """The lowest lot that is in, over all channels, for contacts and money."""
    lots = decisions.lot[rows]
    places = min(limits.get(CONTACTS, np.inf), len(rows))
    if MONEY in limits:
        order = np.argsort(-lots)
        cost = most_money(decisions.case.facts, decisions.case.policy)[rows, decisions.action[rows]]
        places = min(places, int(np.searchsorted(np.cumsum(cost[order]), limits[MONEY], side="right")))
    return _lowest_of(lots, places)


def _by_channel(values: Mapping[str, float], usual: float, channel: Ints) -> Floats:
    found: Floats = np.array([values.get(name, usual) for name in CHANNELS] + [usual])[channel]
    return found


def _left_alone(decisions: Decisions, choice: Choice, inside: Flags) -> Decisions:
    out = (decisions.action != NOBODY) & ~inside
    return replace(
        decisions,
        action=np.where(inside, choice.action, NOBODY),
        channel=np.where(inside, choice.channel, NO_CHANNEL),
        gate=np.where(out, np.array(BUDGET, dtype=object), decisions.gate),
        expected_uplift=np.where(inside, choice.expected_uplift, np.nan),
        expected_value=np.where(inside, choice.expected_value, np.nan),
        propensity=np.where(inside, choice.propensity, np.nan),
    )
