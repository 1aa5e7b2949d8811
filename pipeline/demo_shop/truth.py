"""What is really true of each customer, and the oracle that knows it; no stage but `evaluate` may read it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.demo_shop.habits import HABITS, SECONDS_PER_DAY, YEAR_DAYS, Floats, Ints

MICROSECONDS_PER_DAY = SECONDS_PER_DAY * 1_000_000
NEWS_IS_LATE = 1e-4


def oracle_churn_probability(
    truth: pd.DataFrame, customer_ids: Sequence[str], cutoffs: Sequence[pd.Timestamp], horizon_days: int
) -> Floats:
    """P(no order in [cutoff, cutoff + horizon)) for one who sees the hidden state; pairs of customer and cutoff.

    exp(-L), L = the buying rate integrated from the cutoff to the end of the horizon or of the lifetime, whichever
    comes first. Known: the personal rate and season, every touch sent and its lift, the lifetime as it would end by
    itself or by too many asks, and every departure already decided by an order before the cutoff. Not known: the dice,
    that is which orders will come, and so whether one of them will upset the customer. Given that state no order is a
    Poisson zero, hence the probability is exact and calibrated; nobody can reach it. It is kept `NEWS_IS_LATE` away
    from 0 and 1, for an order of the last days may become known only after the cutoff.
    `truth` is the table `truth/customers.parquet`; raises KeyError for customers that are not in it.
    """
    rows = pd.Index(truth["customer_id"]).get_indexer(pd.Index(customer_ids))
    if (rows < 0).any():
        raise KeyError(f"{int((rows < 0).sum())} of {len(rows)} customers are not in the truth table")
    begin = _days(pd.Series(pd.to_datetime(pd.Series(cutoffs), utc=True)))
    known = truth.iloc[rows]
    decided = _days(known["upset_at"]) < begin
    leaves = np.where(decided, _days(known["lifetime_end_at"]), _days(known["natural_end_at"]))
    stop = np.maximum(np.minimum(leaves, begin + horizon_days), begin)
    expected = _integrated(known, np.arange(len(known)), begin, stop)
    return np.clip(np.exp(-expected - _lifted(known, begin, stop)), NEWS_IS_LATE, 1.0 - NEWS_IS_LATE)


def _integrated(known: pd.DataFrame, row: Ints, begin: Floats, stop: Floats) -> Floats:
    """Integral of the season-driven rate of these rows over [begin, stop)."""
    rate = known["rate_per_day"].to_numpy(np.float64)[row]
    amplitude = known["season_amplitude"].to_numpy(np.float64)[row]
    turn = 2.0 * np.pi / YEAR_DAYS
    swing = np.sin(turn * (stop - HABITS.season_peak_day)) - np.sin(turn * (begin - HABITS.season_peak_day))
    whole: Floats = rate * (stop - begin + amplitude * swing / turn)
    return whole


def _lifted(known: pd.DataFrame, begin: Floats, stop: Floats) -> Floats:
    """What the touches add to the integral: lift times rate over the part of their effect inside the window."""
    lengths = known["touched_at"].map(len).to_numpy(np.int64)
    total = np.zeros(len(known))
    if lengths.sum() == 0:
        return total
    row = np.repeat(np.arange(len(known)), lengths)
    sent = _days(pd.Series(pd.to_datetime(np.concatenate(known["touched_at"].to_list()), utc=True)))
    lift = np.concatenate(known["touch_lift"].to_list()).astype(np.float64)
    first = np.clip(sent, begin[row], stop[row])
    last = np.clip(sent + HABITS.lift_days, begin[row], stop[row])
    np.add.at(total, row, lift * _integrated(known, row, first, last))
    return total


def _days(moments: pd.Series) -> Floats:
    """Float days since 1970; a moment that never comes is infinite."""
    micros = moments.astype("datetime64[us, UTC]").astype("int64").to_numpy()
    return np.where(moments.isna().to_numpy(), np.inf, micros / MICROSECONDS_PER_DAY)
