"""The whole outlook of the test cutoff, for `reports/metrics.json`, the curve files and the predictions."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from models.btyd import Floats
from models.intervals import Bootstrap
from models.scorer import Scorer
from pipeline.evaluation import Tested
from pipeline.outlook.known import Log, Tree, left_out, process_of
from pipeline.outlook.profit import offer_of, profit_table, profit_told
from pipeline.outlook.timing import second_order_told, timing_told
from pipeline.outlook.value import fitted_worth, value_told
from pipeline.params import Params
from pipeline.summary import number, tree

REVENUE_IF_KEPT = "revenue_if_kept"


@dataclass(frozen=True)
class Outlook:
    """Entries of the metrics, curve tables by file name and columns of the predictions; no money without revenue."""

    told: Tree
    curves: dict[str, pd.DataFrame] = field(default_factory=dict)
    columns: dict[str, Floats] = field(default_factory=dict)


def outlook_lines(told: Tree) -> list[str]:
    """The outlook in two lines for the screen."""
    test = tree(told, "timing", "test")
    ended = f"{number(test, 'returned'):,.0f} of {number(test, 'customers'):,.0f} ordered again"
    returned = number(test, "returned") > 0
    inside = f", {100 * number(test, 'coverage', 'value'):.1f} % of them inside their interval" if returned else ""
    profit = tree(told, "profit")
    if "left_out" in profit:
        return [f"next order: {ended}{inside}", f"value and profit left out: {profit['left_out']}"]
    value, low, high = (number(profit, "best", "profit", key) for key in ("value", "low", "high"))
    share = 100 * number(profit, "best", "share")
    return [
        f"next order: {ended}{inside}",
        f"profit: {value:,.0f} ({low:,.0f}–{high:,.0f}) by contacting {share:.1f} %",
    ]


def outlook(params: Params, history: pd.DataFrame, log: Log, tested: Tested, scorer: Scorer) -> Outlook:
    """Value, timing, second order and profit; `history`: every row, `tested` and `scorer` of its latest cutoff."""
    how = params.evaluate
    bootstrap = Bootstrap(how.resamples, how.seed, how.interval_share)
    test = history["cutoff"].max()
    rows = history[history["cutoff"] == test].reset_index(drop=True)
    closed = history[history["cutoff"] + pd.Timedelta(days=scorer.horizon_days) <= test]
    bgnbd = process_of(scorer, rows)
    told: Tree = {
        "timing": timing_told(bgnbd, history, log, bootstrap),
        "second_order": second_order_told(history, log, how, bootstrap),
    }
    worth = fitted_worth(bgnbd, closed, rows, scorer.horizon_days)
    if isinstance(worth, str):
        return Outlook(told | {"value": left_out(worth), "profit": left_out(worth)})
    value, offer = worth.revenue_if_kept, offer_of(params)
    told |= {
        "profit": profit_told(tested, value, offer, bootstrap),
        "value": value_told(worth, rows, tested.ours, bootstrap),
    }
    return Outlook(told, {"profit": profit_table(tested, value, offer)}, {REVENUE_IF_KEPT: value})
