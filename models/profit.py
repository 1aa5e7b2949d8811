"""What it pays to contact the top share of the customers, each with her own margin; EMPC to compare with papers.

A contact costs f. Of leavers a share γ takes the offer, which costs d, and is kept: she brings her margin v of the
horizon. Stayers take the offer as well, for nothing. Per contacted customer, c = churned (or its probability):
    profit = c · (γ (v − d) − f) − (1 − c) · (d + f)
Verbraken, Verbeke & Baesens, "A novel profit maximizing metric for measuring classification performance of customer
churn prediction models", IEEE TKDE 25 (2013), after Neslin et al. (2006); there v is one CLV for all, here each
customer's own. Money is in the shop's currency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc
from sklearn.isotonic import isotonic_regression

from features.errors import ModelError
from models.curves import GRID
from models.metrics import Floats, Groups

FACTORS = (0.5, 2.0)  # of the sensitivity
MOST = {"margin_share": 1.0, "accept_rate": 1.0}


@dataclass(frozen=True)
class Offer:
    """Margin as a share of revenue, cost of an accepted offer, cost of a contact, share of leavers who accept."""

    margin_share: float
    offer_cost_money: float
    contact_cost_money: float
    accept_rate: float


@dataclass(frozen=True)
class Empc:
    """One CLV for all and an accept rate γ ~ Beta(alpha, beta): by default the constants of Verbraken et al. (2013)."""

    clv: float = 200.0
    offer_cost: float = 10.0
    contact_cost: float = 1.0
    alpha: float = 6.0
    beta: float = 14.0
    LITERATURE: ClassVar[str] = "Verbraken, Verbeke & Baesens 2013"

    def __call__(self, groups: Groups) -> Floats:
        """EMPC per customer, one value per resample."""
        return self.both(groups)[0]

    def both(self, groups: Groups) -> tuple[Floats, Floats]:
        """EMPC, and the expected share contacted at each accept rate's best cut."""
        pairs = [self._one(*each) for each in zip(groups.churned, groups.total, strict=True)]
        profit, share = np.array(pairs, dtype=np.float64).T
        return profit, share

    def _one(self, churned: Floats, total: Floats) -> tuple[float, float]:
        """Exact: the segments of the ROC's convex hull are the blocks of pooled adjacent violators.

        Fawcett & Niculescu-Mizil, "PAV and the ROC convex hull", Machine Learning 68 (2007). A segment with churn rate
        r pays from γ* = (r f + (1 − r)(d + f)) / (r (CLV − d)) on, so each adds an integral over the Beta's upper part.
        """
        here = total > 0
        weight = total[here]
        rate = isotonic_regression(churned[here] / weight, sample_weight=weight)
        cost = rate * self.contact_cost + (1.0 - rate) * (self.offer_cost + self.contact_cost)
        gain = rate * (self.clv - self.offer_cost)
        pays_from = np.clip(np.divide(cost, gain, out=np.ones_like(cost), where=gain > 0), 0.0, 1.0)
        chance = 1.0 - betainc(self.alpha, self.beta, pays_from)
        accepted = self.alpha / (self.alpha + self.beta) * (1.0 - betainc(self.alpha + 1.0, self.beta, pays_from))
        whole = weight.sum()
        return float(weight @ (gain * accepted - cost * chance) / whole), float(weight @ chance / whole)


def profit_of_contact(churned: NDArray[np.generic] | Floats, revenue_if_kept: Floats, offer: Offer) -> Floats:
    """Profit of contacting each customer: realised for a label, expected for a churn probability."""
    require_usable(revenue_if_kept)
    leaver = np.asarray(churned, dtype=np.float64)
    saved = offer.accept_rate * (offer.margin_share * revenue_if_kept - offer.offer_cost_money)
    return leaver * saved - (1.0 - leaver) * offer.offer_cost_money - offer.contact_cost_money


def require_usable(revenue_if_kept: Floats) -> None:
    """Raise ModelError for a value that is not a number; a negative one is fine: she is never worth a contact."""
    faulty = int((~np.isfinite(revenue_if_kept)).sum())
    if faulty:
        raise ModelError(
            f"{faulty:,} of {len(revenue_if_kept):,} customers have no finite expected revenue, so no profit can be "
            "reckoned. Look for infinite or missing amounts in the orders' revenue column and refuse them in `check`."
        )


def profit_curve(ranking: Floats, profits: Floats, weights: Floats | None = None) -> Floats:
    """Total profit at each contacted share of GRID, highest `ranking` first, in the sum of the weights' money.

    Customers of equal rank come in proportion, so neither the order of rows nor that among ties matters. For weights
    (resamples, rows) it is (resamples, 101).
    """
    each = np.ones((1, len(ranking))) if weights is None else np.atleast_2d(weights)
    shares, totals = _steps(ranking, profits, each)
    curves = np.array([np.interp(GRID, share, total) for share, total in zip(shares, totals, strict=True)])
    return curves[0] if weights is None else curves


def best_in_hindsight(ranking: Floats, profits: Floats) -> tuple[float, float]:
    """The contacted share with the highest total profit, and that profit, once outcomes are known."""
    shares, totals = _steps(ranking, profits, np.ones((1, len(ranking))))
    best = int(np.argmax(totals[0]))
    return float(shares[0, best]), float(totals[0, best])


def worth_contacting(churn_probability: Floats, revenue_if_kept: Floats, offer: Offer) -> NDArray[np.bool_]:
    """Whom to contact, known before any outcome: the curve of expected profit rises as long as one is above zero."""
    return profit_of_contact(churn_probability, revenue_if_kept, offer) > 0.0


def most_at_risk(churn_probability: Floats, customer_ids: NDArray[np.generic], count: int) -> NDArray[np.bool_]:
    """The `count` customers of highest churn probability; the id breaks ties."""
    order = np.lexsort((customer_ids.astype(str), -churn_probability))
    chosen = np.zeros(len(order), dtype=np.bool_)
    chosen[order[:count]] = True
    return chosen


def variations(offer: Offer) -> Iterator[tuple[str, float, float, Offer]]:
    """(parameter, factor, its value, the offer with it) for each parameter halved and doubled; shares end at one."""
    for field in fields(offer):
        for factor in FACTORS:
            value = min(factor * getattr(offer, field.name), MOST.get(field.name, np.inf))
            yield field.name, factor, value, replace(offer, **{field.name: value})


def _steps(ranking: Floats, profits: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Contacted share and total profit after each group of equal rank, from (0, 0); (resamples, groups + 1)."""
    order = np.argsort(-ranking, kind="stable")
    ranked = ranking[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    of_rows = weights[:, order]
    contacted = np.cumsum(np.add.reduceat(of_rows, starts, axis=1), axis=1)
    gained = np.cumsum(np.add.reduceat(of_rows * profits[order], starts, axis=1), axis=1)
    nobody = np.zeros((len(weights), 1))
    return np.hstack([nobody, contacted / contacted[:, -1:]]), np.hstack([nobody, gained])
