"""What `reports/metrics.json` and the curve files say, from the probabilities of every candidate on the test rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.curves import GRID, gain, precision_recall, reliability, roc
from models.drift import stability_index
from models.intervals import Bootstrap, Interval, mean_interval, metric_intervals
from models.metrics import Floats, Metric, best, calibration_error, grouped, registry, roc_auc
from pipeline.params import Evaluate

BASELINES = ("recency_rule", "logistic", "bgnbd", "mbgnbd", "xgboost")
DIGITS = 6
MOVED_SHOWN = 5
Tree = dict[str, object]


@dataclass(frozen=True)
class Tested:
    """The test rows: who, what happened, and what each candidate said."""

    customer_ids: NDArray[np.object_]
    churned: NDArray[np.int8]
    candidates: Mapping[str, Floats]
    chosen: str

    @property
    def ours(self) -> Floats:
        """Probabilities of the chosen candidate."""
        return self.candidates[self.chosen]


def measured(tested: Tested, how: Evaluate) -> Tree:
    """Churn rate, every metric of ours and of the best single method with intervals, and all candidates' values."""
    metrics = registry(how.calibration_bins, how.top_share)
    bootstrap = Bootstrap(how.resamples, how.seed, how.interval_share)
    compared = {name for name in BASELINES if name in tested.candidates} | {tested.chosen}
    intervals = {
        name: metric_intervals(metrics, tested.churned, tested.candidates[name], tested.customer_ids, bootstrap)
        for name in sorted(compared)
    }
    rate = mean_interval(tested.churned.astype(np.float64), tested.customer_ids, bootstrap)
    return {
        "rows": len(tested.churned),
        "customers": len(np.unique(tested.customer_ids)),
        "churn_rate": _rounded(rate),
        "chosen": tested.chosen,
        "metrics": {name: _compared(name, intervals, tested.chosen) for name in metrics},
        "candidates": {name: point_values(metrics, tested.churned, p) for name, p in tested.candidates.items()},
    }


def point_values(metrics: Mapping[str, Metric], churned: NDArray[np.int8], probability: Floats) -> dict[str, float]:
    """Every metric of one model, without interval."""
    groups = grouped(churned, probability)
    return {name: round(float(metric(groups)[0]), DIGITS) for name, metric in metrics.items()}


def by_group(tested: Tested, groups: Mapping[str, NDArray[np.bool_]], bins: int) -> Tree:
    """How good we are for each group of customers; null where it cannot be known."""
    return {name: _segment(tested.churned[inside], tested.ours[inside], bins) for name, inside in groups.items()}


def moved(column: Callable[[str], Floats], at_test: NDArray[np.bool_], columns: list[str]) -> Tree:
    """The features of the test rows that differ most from the earlier rows, by stability index; read one by one."""
    found = {name: stability_index(values[~at_test], values[at_test]) for name in columns for values in [column(name)]}
    most = sorted(found, key=lambda name: (-found[name], name))[:MOVED_SHOWN]
    before = column("churned")[~at_test]
    return {
        "churn_rate_before": round(float(before.mean()), DIGITS) if len(before) else None,
        "most_moved": {name: round(found[name], DIGITS) for name in most},
    }


def curve_tables(tested: Tested, bins: int) -> dict[str, pd.DataFrame]:
    """File name to curve, long: one row per candidate and point."""
    tables: dict[str, list[pd.DataFrame]] = {"calibration": [], "gain": [], "roc": [], "pr": []}
    for name, probability in sorted(tested.candidates.items()):
        groups = grouped(tested.churned, probability)
        table = reliability(groups, bins)
        places = np.arange(1, len(table.count) + 1)
        tables["calibration"].append(
            _points(
                name,
                bin=places,
                mean_predicted=table.mean_predicted,
                observed=table.observed,
                count=table.count.astype(np.int64),
            )
        )
        tables["gain"].append(_points(name, contacted_share=GRID, churners_share=gain(groups)))
        tables["roc"].append(_points(name, false_positive_rate=GRID, true_positive_rate=roc(groups)))
        tables["pr"].append(_points(name, recall=GRID, precision=precision_recall(groups)))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}


def _compared(name: str, intervals: Mapping[str, Mapping[str, Interval]], chosen: str) -> Tree:
    singles = {model: found[name].value for model, found in intervals.items() if model in BASELINES}
    ours: Tree = {"ours": _rounded(intervals[chosen][name]), "best_baseline": None}
    if singles:
        winner = best(name, singles)
        ours["best_baseline"] = {"name": winner, **_rounded(intervals[winner][name])}
    return ours


def _segment(churned: NDArray[np.int8], probability: Floats, bins: int) -> Tree:
    groups = grouped(churned, probability)
    auc = float(roc_auc(groups)[0])
    return {
        "customers": len(churned),
        "churn_rate": round(float(churned.mean()), DIGITS),
        "mean_predicted": round(float(probability.mean()), DIGITS),
        "calibration_error": round(float(calibration_error(groups, bins)[0]), DIGITS),
        "roc_auc": None if np.isnan(auc) else round(auc, DIGITS),
    }


def _points(candidate: str, **columns: NDArray[np.generic]) -> pd.DataFrame:
    return pd.DataFrame({"candidate": candidate, **columns}).round(DIGITS)


def _rounded(interval: Interval) -> dict[str, float]:
    return {key: round(value, DIGITS) for key, value in interval.as_dict().items()}
