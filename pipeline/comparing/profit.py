"""What two runs would have earned on the rows they share: their profit curves, budget by budget, and by their own rule.

Each run ranks the customers by the profit it expects of a contact, from its own probabilities and expected revenue.
Both are judged by who did leave, and by the mean of what the two expect a customer to bring if kept: nobody can
observe that of a leaver, and so neither run is its own judge. The offer is that of the params at hand, for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from models.curves import GRID
from models.intervals import Bootstrap, Interval
from models.metrics import Floats
from models.profit import Offer, profit_curve, profit_of_contact, worth_contacting
from pipeline.comparing.sides import Shared

CENTS = 2


@dataclass(frozen=True)
class Both:
    """One amount per run, with each resample's: values (2,), drawn (2, resamples)."""

    values: Floats
    drawn: Floats

    def told(self, letter: str, bootstrap: Bootstrap) -> dict[str, object]:
        """Amounts, difference, how often the second is higher, and the clear winner."""
        first, second = self.drawn
        difference = bootstrap.interval(float(self.values[1] - self.values[0]), second - first)
        clear = difference.low > 0.0 or difference.high < 0.0
        return {
            "a": _money(bootstrap.interval(float(self.values[0]), first)),
            "b": _money(bootstrap.interval(float(self.values[1]), second)),
            "difference": _money(difference),
            "better": int((second > first).sum()),
            "resamples": len(first),
            "winner": (letter if difference.value > 0 else "A") if clear else None,
        }


def profit(
    rows: Shared, offer: Offer, percents: Sequence[int], bootstrap: Bootstrap, letter: str
) -> dict[str, object] | None:
    """Curves with bands, profit at each budget (a percent of the customers) and by each run's own rule; or None."""
    if rows.revenues is None:
        return None
    judged = profit_of_contact(rows.churned, (rows.revenues[0] + rows.revenues[1]) / 2.0, offer)
    sides = list(zip(rows.probabilities, rows.revenues, strict=True))
    rankings = [profit_of_contact(probability, revenue, offer) for probability, revenue in sides]
    own = [worth_contacting(probability, revenue, offer) for probability, revenue in sides]
    drawn, sums = _resampled(rankings, judged, own, rows, bootstrap)
    curves = np.array([profit_curve(ranking, judged) for ranking in rankings])
    sums_once = np.array([judged[contacted].sum() for contacted in own])
    return {
        "offer": asdict(offer),
        "curves": {key: _band(curves[place], drawn[place], bootstrap) for place, key in enumerate("ab")},
        "budgets": {
            str(percent): Both(curves[:, percent], drawn[:, :, percent]).told(letter, bootstrap) for percent in percents
        },
        "own": {
            "share_a": float(own[0].mean()),
            "share_b": float(own[1].mean()),
            **Both(sums_once, sums).told(letter, bootstrap),
        },
    }


def _resampled(
    rankings: Sequence[Floats], judged: Floats, own: Sequence[np.ndarray], rows: Shared, bootstrap: Bootstrap
) -> tuple[Floats, Floats]:
    """Curves (2, resamples, 101) and totals of the own rules (2, resamples), on the same resamples for both."""
    curves: list[list[Floats]] = [[], []]
    sums: list[list[Floats]] = [[], []]
    for weights in bootstrap.weights(rows.customer_ids):
        for place, (ranking, contacted) in enumerate(zip(rankings, own, strict=True)):
            curves[place].append(profit_curve(ranking, judged, weights))
            sums[place].append(weights @ (judged * contacted))
    return np.array([np.concatenate(each) for each in curves]), np.array([np.concatenate(each) for each in sums])


def _band(curve: Floats, drawn: Floats, bootstrap: Bootstrap) -> list[list[float]]:
    intervals = [bootstrap.interval(float(value), each) for value, each in zip(curve, drawn.T, strict=True)]
    return [
        [round(float(share), 4), *(round(edge, CENTS) for edge in (one.value, one.low, one.high))]
        for share, one in zip(GRID, intervals, strict=True)
    ]


def _money(interval: Interval) -> Mapping[str, float]:
    return {key: round(value, CENTS) for key, value in interval.as_dict().items()}
