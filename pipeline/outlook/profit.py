"""Profit of contacting at the test cutoff: whom the model would have contacted, and what that would have brought.

The contacts are chosen from probabilities and values alone, so the profit judged by the labels is out of sample; the
best share in hindsight stands beside it, and so do everybody and the same number of contacts by risk alone.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.btyd import Floats
from models.curves import GRID
from models.intervals import Bootstrap, Interval, mean_interval, metric_intervals
from models.metrics import grouped
from models.profit import (
    Empc,
    Offer,
    best_in_hindsight,
    most_at_risk,
    profit_curve,
    profit_of_contact,
    variations,
    worth_contacting,
)
from pipeline.evaluation import BASELINES, Tested
from pipeline.outlook.known import DIGITS, Tree, known, told
from pipeline.params import Params

CENTS = 2


def offer_of(params: Params) -> Offer:
    """The retention offer of the params."""
    terms = params.evaluate.profit
    return Offer(params.score.margin_share, terms.offer_cost_money, terms.contact_cost_money, terms.accept_rate)


def profit_told(tested: Tested, revenue_if_kept: Floats, offer: Offer, bootstrap: Bootstrap) -> Tree:
    """Best share, profit there with interval, what else could have been done, EMPC and the sensitivity."""
    chosen = worth_contacting(tested.ours, revenue_if_kept, offer)
    by_risk = most_at_risk(tested.ours, tested.customer_ids, int(chosen.sum()))
    brought = profit_of_contact(tested.churned, revenue_if_kept, offer)
    expected = profit_of_contact(tested.ours, revenue_if_kept, offer)
    hindsight = best_in_hindsight(expected, brought)
    sums = _Sums(tested.customer_ids, bootstrap)
    return {
        "offer": asdict(offer),
        "customers": len(chosen),
        "best": {
            "share": known(float(chosen.mean())),
            "contacts": int(chosen.sum()),
            "expected": known(float(expected[chosen].sum()), CENTS),
            "profit": sums.told(brought * chosen),
        },
        "most_at_risk": {
            "profit": sums.told(brought * by_risk),
            "difference": sums.told(brought * chosen - brought * by_risk),
        },
        "everybody": {"profit": sums.told(brought)},
        "hindsight": {"share": known(hindsight[0]), "profit": known(hindsight[1], CENTS)},
        "empc": empc_told(tested, bootstrap),
        "candidates": {
            name: _candidate(tested.churned, each, revenue_if_kept, offer) for name, each in tested.candidates.items()
        },
        "sensitivity": [
            {"parameter": name, "factor": factor, "value": known(value)}
            | _share_and_profit(tested, revenue_if_kept, varied)
            for name, factor, value, varied in variations(offer)
        ],
    }


def empc_told(tested: Tested, bootstrap: Bootstrap) -> Tree:
    """EMPC of ours and of the best single method, with the literature's constants."""
    measure = Empc()
    values = {name: float(measure(grouped(tested.churned, each))[0]) for name, each in tested.candidates.items()}
    singles = {name: value for name, value in values.items() if name in BASELINES}
    best = max(sorted(singles), key=lambda name: singles[name]) if singles else None
    _, share = measure.both(grouped(tested.churned, tested.ours))
    return {
        "constants": asdict(measure),
        "ours": _empc(tested, tested.ours, measure, bootstrap),
        "share": known(float(share[0])),
        "best_baseline": None
        if best is None
        else {"name": best, **_empc(tested, tested.candidates[best], measure, bootstrap)},
    }


def profit_table(tested: Tested, revenue_if_kept: Floats, offer: Offer) -> pd.DataFrame:
    """`profit.csv`: total profit by contacted share, highest expected profit first, and highest risk first."""
    brought = profit_of_contact(tested.churned, revenue_if_kept, offer)
    tables = [
        pd.DataFrame(
            {
                "candidate": name,
                "contacted_share": GRID,
                "profit": profit_curve(profit_of_contact(each, revenue_if_kept, offer), brought),
                "by_risk": profit_curve(each, brought),
            }
        )
        for name, each in sorted(tested.candidates.items())
    ]
    return pd.concat(tables, ignore_index=True).round(DIGITS)


class _Sums:
    """Totals over customers with their intervals."""

    def __init__(self, customer_ids: NDArray[np.object_], bootstrap: Bootstrap) -> None:
        self.customer_ids, self.bootstrap = customer_ids, bootstrap

    def told(self, values: Floats) -> dict[str, float | None]:
        mean, size = mean_interval(values, self.customer_ids, self.bootstrap), len(values)
        return told(Interval(size * mean.value, size * mean.low, size * mean.high), CENTS)


def _empc(tested: Tested, probability: Floats, measure: Empc, bootstrap: Bootstrap) -> dict[str, float | None]:
    found = metric_intervals({"empc": measure}, tested.churned, probability, tested.customer_ids, bootstrap)
    return told(found["empc"])


def _candidate(churned: NDArray[np.int8], probability: Floats, revenue_if_kept: Floats, offer: Offer) -> Tree:
    contacted = worth_contacting(probability, revenue_if_kept, offer)
    brought = profit_of_contact(churned, revenue_if_kept, offer)
    return {
        "share": known(float(contacted.mean())),
        "profit": known(float(brought[contacted].sum()), CENTS),
        "empc": known(float(Empc()(grouped(churned, probability))[0])),
    }


def _share_and_profit(tested: Tested, revenue_if_kept: Floats, offer: Offer) -> Tree:
    contacted = worth_contacting(tested.ours, revenue_if_kept, offer)
    expected = profit_of_contact(tested.ours, revenue_if_kept, offer)[contacted].sum()
    brought = profit_of_contact(tested.churned, revenue_if_kept, offer)[contacted].sum()
    return {
        "share": known(float(contacted.mean())),
        "expected": known(float(expected), CENTS),
        "profit": known(float(brought), CENTS),
    }
