"""The expected next order and the second order of first-time buyers, against what happened by the end of the log."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.bgnbd import fitted_bgnbd
from models.btyd import BgNbd, Floats
from models.calibration import Calibration
from models.coverage import covered, settled
from models.curves import reliability
from models.formulas import probability
from models.intervals import Bootstrap, mean_interval, metric_intervals
from models.mbgnbd import fitted_mbgnbd
from models.metrics import grouped, registry
from models.second_order import ORIGINS, Buyers, calibration_that_pays
from models.timing import SECOND_ORDER_DAYS, expected_wait_days, order_log_odds
from pipeline.outlook.known import Log, Tree, histories, known, left_out, told
from pipeline.params import Evaluate

Flags = NDArray[np.bool_]
SHARE = 0.8
SPAN = pd.Timedelta(days=SECOND_ORDER_DAYS)
LONG_DAYS = 365  # a cutoff followed for so long shows more of the waits than the latest one can
FEWEST_BUYERS = 30
OF_SECOND_ORDER = ("calibration_error", "log_loss", "brier", "skill", "roc_auc")


def timing_told(bgnbd: BgNbd, history: pd.DataFrame, log: Log, bootstrap: Bootstrap) -> Tree:
    """The interval of the next order at the test cutoff, and at one followed for a year or longer, if there is one."""
    moments = sorted(history["cutoff"].unique())
    long_ago = [moment for moment in moments[:-1] if log.follow_up_days(moment) >= LONG_DAYS]
    earlier = history[history["cutoff"] == long_ago[-1]] if long_ago else None
    return {
        "interval_share": SHARE,
        "test": _covered(bgnbd, history[history["cutoff"] == moments[-1]], log, bootstrap),
        "earlier": None if earlier is None else _covered(fitted_bgnbd(*histories(earlier)), earlier, log, bootstrap),
    }


def _covered(bgnbd: BgNbd, rows: pd.DataFrame, log: Log, bootstrap: Bootstrap) -> Tree:
    (x, _, T), waits, cutoff = histories(rows), log.waits_days(rows), rows["cutoff"].iloc[0]
    follow_up = log.follow_up_days(cutoff)
    _, low, high = expected_wait_days(bgnbd, x, T, SHARE)
    found = settled((low, high), waits, follow_up)
    returned, inside = covered(bgnbd, x, T, waits, follow_up, SHARE)
    ids = rows["customer_id"].to_numpy(dtype=object)[returned]
    counts = {name: value for name, value in asdict(found).items() if name != "all_known"}
    return {
        "cutoff": cutoff.isoformat(),
        "customers": len(rows),
        "follow_up_days": known(follow_up),
        "returned": found.returned,
        "coverage": told(mean_interval(inside, ids, bootstrap)) if found.returned else None,
        "published": {**counts, "lowest": known(found.lowest), "highest": known(found.highest)},
    }


def second_order_told(history: pd.DataFrame, log: Log, how: Evaluate, bootstrap: Bootstrap) -> Tree:
    """P(second order within 60 days) at the latest cutoff that these days are over for, calibrated on closed ones."""
    moments = [moment for moment in sorted(history["cutoff"].unique()) if moment + SPAN <= log.as_of]
    if not moments:
        return left_out(f"no cutoff has {SECOND_ORDER_DAYS:.0f} days of log behind it")
    test = moments[-1]
    rows = history[history["cutoff"] == test]
    once = rows[rows["btyd_x"] == 0]
    tested = _buyers(rows, log)
    if len(once) < FEWEST_BUYERS or np.ptp(tested.ordered) == 0:
        return left_out(_too_few(len(once), int(tested.ordered.sum())))
    calibration, losses = _calibration_at(test, history, log)
    said = probability(calibration.log_odds(tested.log_odds))
    return {
        "days": SECOND_ORDER_DAYS,
        "cutoff": test.isoformat(),
        "customers": len(once),
        "calibrated": calibration != Calibration(),
        "backtest": {name: known(loss) for name, loss in losses.items()},
        **_judged(tested, said, once["customer_id"].to_numpy(dtype=object), how, bootstrap),
    }


def second_order_probability(today: pd.DataFrame, history: pd.DataFrame, log: Log) -> Floats:
    """P(second order within 60 days) of each of today's first-time buyers; NaN for everybody else."""
    said = np.full(len(today), np.nan)
    once, log_odds = _first_timers(today)
    if once.any():
        calibration, _ = _calibration_at(log.as_of, history, log)
        said[once] = probability(calibration.log_odds(log_odds))
    return said


def _calibration_at(moment: pd.Timestamp, history: pd.DataFrame, log: Log) -> tuple[Calibration, dict[str, float]]:
    """The calibration that pays, from the latest cutoffs whose 60 days were over at the moment."""
    over = [each for each in sorted(history["cutoff"].unique()) if each + SPAN <= moment][-2 * ORIGINS :]
    before = [_buyers(history[history["cutoff"] == each], log) for each in over]
    return calibration_that_pays(before, SECOND_ORDER_DAYS)


def _too_few(buyers: int, ordered: int) -> str:
    if buyers < FEWEST_BUYERS:
        return f"{buyers:,} first-time buyers at the test cutoff are too few to judge a probability by"
    all_or_none = "all" if ordered else "none"
    return f"{all_or_none} of {buyers:,} first-time buyers ordered again, so there is nothing to tell apart"


def _buyers(rows: pd.DataFrame, log: Log) -> Buyers:
    """First-time buyers of one cutoff."""
    once, log_odds = _first_timers(rows)
    ordered = (log.waits_days(rows[once]) < SECOND_ORDER_DAYS).astype(np.int8)
    return Buyers(rows["cutoff"].iloc[0].timestamp() / 86_400, log_odds, ordered)


def _first_timers(rows: pd.DataFrame) -> tuple[Flags, Floats]:
    """Which rows have ordered once, and the log odds of a second by MBG/NBD, which lets them be gone at once."""
    x, t_x, T = histories(rows)
    once = x == 0
    if not once.any():
        return once, np.empty(0)
    model = fitted_mbgnbd(x, t_x, T)
    return once, order_log_odds(model, x[once], t_x[once], T[once], SECOND_ORDER_DAYS)


def _judged(tested: Buyers, said: Floats, ids: np.ndarray, how: Evaluate, bootstrap: Bootstrap) -> Tree:
    all_metrics = registry(how.calibration_bins, how.top_share)
    metrics = {name: all_metrics[name] for name in OF_SECOND_ORDER}
    table = reliability(grouped(tested.ordered, said), how.calibration_bins)
    return {
        "mean_predicted": known(float(said.mean())),
        "observed": told(mean_interval(tested.ordered.astype(np.float64), ids, bootstrap)),
        **{name: told(one) for name, one in metric_intervals(metrics, tested.ordered, said, ids, bootstrap).items()},
        "bins": [
            {"mean_predicted": known(mean), "observed": known(rate), "customers": int(count)}
            for mean, rate, count in zip(table.mean_predicted, table.observed, table.count, strict=True)
        ],
    }
