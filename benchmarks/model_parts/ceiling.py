"""Part `ceiling`: what the demo shop lets anybody learn, and how near few customers come to it.

One shop is simulated; its first N customers teach the ceiling, the first 5,000 and 20,000 of them teach ours, and
everybody is judged on the same fresh customers at the test cutoff. The ceiling is the best of candidates there, known
only afterwards. The oracle knows each fresh customer's hidden rate, lifetime and touches; nobody can reach it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.model_parts.judge import (
    Bench,
    Line,
    featurized,
    fitted,
    history_in,
    made,
    procedure,
    recipes_of,
    rounded,
)
from models.boosting import Boosting
from models.btyd import Floats
from models.history import History
from models.intervals import Bootstrap, Interval, metric_intervals
from models.metrics import skill
from pipeline import paths
from pipeline.demo_shop.truth import oracle_churn_probability

FRESH, QUICK_FRESH, QUICK_CUSTOMERS = 20_000, 1_000, 3_000
SIZES = {20_000: 0.99, 5_000: 0.97}  # customers: share of the ceiling to reach
QUICK_SIZES = {1_000: 0.0}
TEACHERS = ["xgboost", "xgboost_btyd"]
DEEPER = {"rounds": 400, "max_depth": 6}


@dataclass(frozen=True)
class Shop:
    """Rows of the few that teach ours, of the many that teach the ceiling, and of the fresh at the test cutoff."""

    few: History
    many: History
    fresh: History
    oracle: Floats  # P(churned) of the fresh, hidden state known
    how: Bootstrap

    def skill(self, chance: Floats) -> Interval:
        """1 − log loss / log loss of the fresh customers' churn rate, with its interval."""
        return metric_intervals({"skill": skill}, self.fresh.churned, chance, self.fresh.customers, self.how)["skill"]


def lines(bench: Bench) -> Iterator[Line]:
    """One line per size: the skill of ours beside the ceiling."""
    shop, sizes = _shop(bench), QUICK_SIZES if bench.quick else SIZES
    taught = _ceiling(bench, shop)
    best = max(taught, key=lambda name: taught[name].value)
    for size, wanted in sizes.items():
        tested, trained = procedure(shop.few.where(_numbers(shop.few) <= size), bench.params)
        found = {name: shop.skill(one.churn_probability(shop.fresh.features)) for name, one in trained.items()}
        mine, ceiling = found[tested.chosen], taught[best].value
        yield {
            "name": f"ceiling_{size}_customers",
            "ours": round(mine.value, 4),
            "peer": f"{best}, taught by {QUICK_CUSTOMERS if bench.quick else bench.customers:,} customers",
            "theirs": round(ceiling, 4),
            "unit": "skill on fresh customers",
            "ratio": round(mine.value / ceiling, 4),
            "target": f"at least {wanted:.0%} of the ceiling",
            "holds": mine.value >= wanted * ceiling,
            "our_skill": rounded(mine),
            "ceiling_skill": rounded(taught[best]),
            "oracle_skill": rounded(shop.skill(shop.oracle)),
            "chosen": tested.chosen,
            "skills": {name: round(each.value, 4) for name, each in found.items()},
            "teachers": {name: round(each.value, 4) for name, each in taught.items()},
            "fresh_customers": len(shop.fresh),
        }


def _shop(bench: Bench) -> Shop:
    teachers, fresh = (QUICK_CUSTOMERS, QUICK_FRESH) if bench.quick else (bench.customers, FRESH)
    demo = bench.params.pull.demo.model_copy(update={"customers": teachers + fresh})
    source = bench.params.pull.model_copy(update={"source": "demo", "demo": demo})
    with nullcontext(bench.params) if bench.history else made(source, bench.params) as params:
        history = history_in(bench.history) if bench.history else featurized(params)
        truth = pd.read_parquet((bench.history or Path()) / paths.TRUTH / "customers.parquet")
    number, how = _numbers(history), bench.params.evaluate
    rows = history.where((number > teachers) & (history.cutoffs == history.cutoffs.max()))
    cutoff = [pd.Timestamp(rows.cutoffs[0]).tz_localize("UTC")] * len(rows)
    # Many customers at every third cutoff teach more than the same ones seen every month; trees read float32 anyway.
    moments = history.moments()[::-1]
    many = history.where((number <= teachers) & np.isin(history.cutoffs, moments[:: 1 if bench.quick else 3]))
    return Shop(
        few=history.where(number <= max(QUICK_SIZES if bench.quick else SIZES)),
        many=replace(many, features=many.features.astype(np.float32)),
        fresh=rows,
        oracle=oracle_churn_probability(truth, list(rows.customers), cutoff, rows.horizon_days),
        how=Bootstrap(how.resamples, how.seed, how.interval_share),
    )


def _numbers(history: History) -> NDArray[np.int64]:
    """Customers are numbered from 1, and keep their story when the shop gets more of them."""
    return np.array([int(name[1:]) for name in history.customers])


def _ceiling(bench: Bench, shop: Shop) -> dict[str, Interval]:
    """Skill on the fresh of every candidate taught by many."""
    recipes = recipes_of(bench.params, shop.many.horizon_days, TEACHERS)
    settings = bench.params.train.xgboost.model_dump()
    recipes["xgboost, deeper"] = Boosting(settings if bench.quick else settings | DEEPER, bench.params.train.seed)
    found = {}
    for name, recipe in recipes.items():  # one at a time: each holds a copy of the rows
        one = fitted({name: recipe}, shop.many)[name]
        found[name] = shop.skill(one.churn_probability(shop.fresh.features))
        print(f"  {name} taught: skill {found[name].value:.4f}", file=sys.stderr, flush=True)
    return found
