"""Prices of what is scarce: at these nobody who is worth more than the prices takes anything beyond its limit.

The Lagrangian `sum of max(0, value - prices) + prices * limits` bounds what any plan within the limits is worth, at any
prices. It is brought down one price at a time, then by subgradient steps, for one at a time it stops short at an edge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from features.log import Ints
from serving.history import Flags, Floats
from serving.policy import CHANNELS

CONTACTS, MONEY = "contacts", "money"
Named = Mapping[str, float]
_HALVINGS = 40
_ROUNDS = 4
_STEPS = 80


@dataclass(frozen=True)
class Offers:
    """Customers who may have an action: for each (row) and action the value (-inf: closed), cost and channel."""

    value: Floats
    cost: Floats
    channel: Ints

    def taken(self, prices: Named) -> tuple[Flags, Ints, Floats]:
        """Who is in at these prices, with which action, and what each is worth above them."""
        net = self.value - charges(prices, self.cost, self.channel)
        action = np.argmax(net, axis=1)
        best = net[np.arange(len(net)), action]
        return best > 0, action, best

    def use(self, prices: Named) -> dict[str, float]:
        """What those take of everything."""
        inside, action, _ = self.taken(prices)
        rows = np.flatnonzero(inside)
        return use_of(self.cost[rows, action[rows]], self.channel[rows, action[rows]])

    def worth(self, prices: Named) -> float:
        """The value of those who are in."""
        inside, action, _ = self.taken(prices)
        rows = np.flatnonzero(inside)
        return float(self.value[rows, action[rows]].sum())

    def bound(self, prices: Named, limits: Named) -> float:
        """The Lagrangian at these prices: no plan within the limits is worth more."""
        _, _, best = self.taken(prices)
        gain = float(np.maximum(best, 0.0).sum())
        return gain + sum(price * limits[name] for name, price in prices.items() if name in limits)

    def keeps(self, prices: Named, limits: Named) -> bool:
        """Is nothing taken beyond its limit?"""
        use = self.use(prices)
        return all(use[name] <= limit for name, limit in limits.items())


def charges(prices: Named, cost: Floats, channel: Ints) -> Floats:
    """What each action would have to pay at these prices; NaN where money is scarce and its cost unknown."""
    by_channel = np.array([prices.get(name, 0.0) for name in CHANNELS] + [0.0])
    money = prices.get(MONEY, 0.0)
    total: Floats = by_channel[channel] + prices.get(CONTACTS, 0.0) + (money * cost if money else 0.0)
    return total


def use_of(cost: Floats, channel: Ints) -> dict[str, float]:
    """Contacts, money and sends by channel of the chosen actions."""
    sends: dict[str, float] = {name: float((channel == place).sum()) for place, name in enumerate(CHANNELS)}
    return {CONTACTS: float(len(cost)), MONEY: float(cost.sum()), **sends}


def prices_of(offers: Offers, limits: Named) -> tuple[dict[str, float], float]:
    """Prices that keep all limits, and the lowest bound found; no prices where nothing is scarce."""
    if offers.keeps({}, limits):
        return {}, offers.bound({}, limits)
    one_by_one = _one_by_one(offers, limits)
    lowest = _stepped(offers, one_by_one, limits)
    tried = [_kept(offers, start, limits) for start in (one_by_one, lowest)]
    return max(tried, key=offers.worth), offers.bound(lowest, limits)


def _one_by_one(offers: Offers, limits: Named) -> dict[str, float]:
    """Each price in turn as low as its own limit allows."""
    # What only some of the actions take comes first: a price on every contact would hide what is really scarce.
    order = sorted(limits, key=lambda name: (name == CONTACTS, name == MONEY))
    prices, best = dict.fromkeys(limits, 0.0), np.inf
    for _ in range(_ROUNDS):
        before = prices
        for name in order:
            prices = prices | {name: _cheapest(offers, prices, name, limits)}
        bound = offers.bound(prices, limits)
        if bound >= best * (1 - 1e-9):
            return before
        best = bound
    return prices


def _stepped(offers: Offers, start: dict[str, float], limits: Named) -> dict[str, float]:
    """From there downhill on the bound: what is overused gets dearer, what is left over cheaper."""
    usual = max(start.values())
    scale = {name: max(price, usual / 10) for name, price in start.items()}
    prices, lowest, bound = start, start, offers.bound(start, limits)
    for step in range(_STEPS):
        use, pace = offers.use(prices), 0.5 / (1 + step / 5)
        over = {name: np.clip((use[name] - limit) / max(limit, 1.0), -1.0, 1.0) for name, limit in limits.items()}
        prices = {name: max(0.0, price + pace * scale[name] * float(over[name])) for name, price in prices.items()}
        found = offers.bound(prices, limits)
        if found < bound:
            lowest, bound = prices, found
    return lowest


def _kept(offers: Offers, start: dict[str, float], limits: Named) -> dict[str, float]:
    """Prices near these that keep all limits, and then none dearer than it needs to be."""
    prices = start
    for _ in range(_ROUNDS):
        use = offers.use(prices)
        for name in (name for name, limit in limits.items() if use[name] > limit):
            prices = prices | {name: _cheapest(offers, prices, name, limits, prices[name])}
    prices = _lifted(offers, prices, limits)
    for name in limits:
        prices = prices | {name: _lowered(offers, prices, name, limits)}
    return prices


def _lowered(offers: Offers, prices: Named, name: str, limits: Named) -> float:
    """The lowest price of one thing, not above its own, at which still all limits are kept."""
    return _halved(lambda price: offers.keeps({**prices, name: price}, limits), prices[name])


def _cheapest(offers: Offers, prices: Named, name: str, limits: Named, least: float = 0.0) -> float:
    """The lowest price of one thing, the others' being as they are, that keeps its own limit."""

    def holds(more: float) -> bool:
        return offers.use({**prices, name: least + more})[name] <= limits[name]

    return least + _halved(holds, _ceiling(offers))


def _lifted(offers: Offers, prices: Named, limits: Named) -> dict[str, float]:
    """The same prices, if they keep all limits; else with a price of a contact that makes them do so."""
    now = prices.get(CONTACTS, 0.0)
    extra = _halved(lambda more: offers.keeps({**prices, CONTACTS: now + more}, limits), _ceiling(offers))
    return {**prices, CONTACTS: now + extra} if extra else dict(prices)


def _ceiling(offers: Offers) -> float:
    """A price at which nothing is taken any more."""
    highest = float(offers.value.max(initial=0.0))
    costs = offers.cost[np.isfinite(offers.value) & (offers.cost > 0)]
    return (highest + 1.0) / min(1.0, float(costs.min(initial=1.0)))


def _halved(holds: Callable[[float], bool], highest: float) -> float:
    """The lowest price from 0 to `highest` that holds, from above, to a hair."""
    if holds(0.0):
        return 0.0
    low, high = 0.0, highest
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
