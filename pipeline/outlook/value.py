"""Expected revenue of the horizon, learned on cutoffs closed by then; at the test cutoff beside the naive mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.btyd import BgNbd, Floats
from models.intervals import Bootstrap
from models.money_error import money_errors
from models.value import ValueModel, fitted_value, in_season
from pipeline.outlook.known import Tree, customers_of, known, told

NO_REVENUE = "the data has no revenue"
NOTHING_EARNED = (
    "nobody brought revenue in the closed horizons before the test cutoff, so there is nothing to learn from"
)
YEAR_DAYS = 365
NEAR_DAYS = 16  # a cutoff this far from one year before still has its season
CAP_QUANTILE = 0.99  # of what kept customers brought in closed horizons
CENTS = 2


@dataclass(frozen=True)
class Worth:
    """The value model fitted for a moment, what it was fitted on, and what it says of the rows of that moment."""

    model: ValueModel
    closed: pd.DataFrame
    revenue_if_kept: Floats
    year_before: pd.Timestamp | None  # the cutoff the season is from


def fitted_worth(bgnbd: BgNbd, closed: pd.DataFrame, rows: pd.DataFrame, horizon_days: int) -> Worth | str:
    """Fit on rows of closed cutoffs and apply to the rows of one moment; or why there is nothing to fit.

    The moment is the rows' `cutoff`, or `as_of` for today's.
    """
    if "spend_ever" not in rows.columns:
        return NO_REVENUE
    kept = closed[closed["churned"] == 0]
    revenue = kept["future_revenue"].to_numpy(np.float64)
    if not len(kept) or revenue.sum() <= 0:
        return NOTHING_EARNED
    model = fitted_value(bgnbd, horizon_days, customers_of(kept), kept["future_orders"].to_numpy(np.float64), revenue)
    before = _year_before(kept, rows)
    if before is not None:
        then = (kept["cutoff"] == before).to_numpy()
        model = in_season(model, customers_of(kept[then]), revenue[then])
    return Worth(model, closed, model.revenue_if_kept(customers_of(rows)), before)


def _year_before(kept: pd.DataFrame, rows: pd.DataFrame) -> pd.Timestamp | None:
    """The closed cutoff nearest to one year before the rows' moment; None when none is near."""
    if not len(rows):
        return None
    moment = rows["cutoff" if "cutoff" in rows.columns else "as_of"].iloc[0]
    cutoffs = kept["cutoff"].drop_duplicates().sort_values(ignore_index=True)
    distance = (cutoffs - (moment - pd.Timedelta(days=YEAR_DAYS))).abs()
    nearest: pd.Timestamp = cutoffs[distance.argmin()]
    return nearest if distance.min() <= pd.Timedelta(days=NEAR_DAYS) else None


def value_told(worth: Worth, rows: pd.DataFrame, churn_probability: Floats, bootstrap: Bootstrap) -> Tree:
    """The model's numbers, and its errors over all customers and over those who were kept."""
    model, closed = worth.model, worth.closed
    kept_before, kept = closed["churned"] == 0, (rows["churned"] == 0).to_numpy()
    cap = float(closed.loc[kept_before, "future_revenue"].quantile(CAP_QUANTILE))
    ours = (1.0 - churn_probability) * worth.revenue_if_kept
    parts = {
        "all": (np.ones(len(rows), dtype=bool), ours, closed),
        "if_kept": (kept, worth.revenue_if_kept, closed[kept_before]),
    }
    return {
        "learned_from": {"cutoffs": int(closed["cutoff"].nunique()), "kept_customers": int(kept_before.sum())},
        "model": {
            "slope": known(model.slope),
            "weight": model.weight,
            "shop_value": known(model.shop_value, CENTS),
            "scale": known(model.scale),
            "season": known(model.season),
            "season_of": None if worth.year_before is None else worth.year_before.isoformat(),
        },
        "cap_money": known(cap, CENTS),
        **{
            name: _errors(rows[inside], expected[inside], float(before["future_revenue"].mean()), cap, bootstrap)
            for name, (inside, expected, before) in parts.items()
        },
    }


def _errors(rows: pd.DataFrame, expected: Floats, naive: float, cap: float, bootstrap: Bootstrap) -> Tree:
    actual, ids = rows["future_revenue"].to_numpy(np.float64), rows["customer_id"].to_numpy(dtype=object)
    errors = money_errors(actual, (expected, naive), cap, ids, bootstrap)
    ratio = errors.pop("total_ratio")
    return {
        "customers": len(rows),
        "naive_mean": known(naive, CENTS),
        "actual_total": known(float(actual.sum()), CENTS),
        "expected_total": known(float(expected.sum()), CENTS),
        "total_ratio": told(ratio.ours),
        **{
            name: {
                "ours": told(beside.ours, CENTS),
                "naive": told(beside.naive, CENTS),
                "difference": told(beside.difference, CENTS),
            }
            for name, beside in errors.items()
        },
    }
