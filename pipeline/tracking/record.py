"""What a run shows: metrics with intervals and curves as stepped values, taken from the reports; no MLflow here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

Tree = Mapping[str, object]
Steps = dict[str, dict[int, float]]  # metric -> step -> value

# curve file -> (stepped metric, column that becomes the step in percent, column of the value)
PERCENT_CURVES = {
    "gain.csv": ("gain", "contacted_share", "churners_share"),
    "profit.csv": ("profit", "contacted_share", "profit"),
    "roc.csv": ("roc_tpr", "false_positive_rate", "true_positive_rate"),
    "pr.csv": ("pr_precision", "recall", "precision"),
}
EDGES = ("low", "high")


def run_metrics(metrics: Tree, backtest: Tree) -> dict[str, float]:
    """Flat metrics of our model: `m`, `m_low`, `m_high`, the best baseline's, the oracle's, and the backtest's."""
    flat = {"test_rows": metrics.get("rows"), "test_customers": metrics.get("customers")}
    flat |= _with_interval("churn_rate", _tree(metrics, "churn_rate"))
    for name, sides in _tree(metrics, "metrics").items():
        flat |= _with_interval(name, _tree(cast("Tree", sides), "ours"))
        flat |= _with_interval(f"{name}_best_baseline", _tree(cast("Tree", sides), "best_baseline"))
    flat |= {f"oracle_{name}": value for name, value in _tree(metrics, "oracle").items()}
    flat |= _outlook(metrics)
    chosen = _tree(_tree(backtest, "candidates"), str(backtest.get("chosen")))
    return _numbers(flat | {f"backtest_{name}": value for name, value in chosen.items()})


def scorecard(metrics: Tree) -> dict[str, float]:
    """The few numbers `dvc metrics show` and `dvc exp show` put in one row; the whole is in metrics.json."""
    flat = run_metrics(metrics, {})
    names = ["churn_rate", *_tree(metrics, "metrics"), "log_loss_best_baseline"]
    return {name: flat[name] for name in names if name in flat}


def proof_tag(catalogue: Tree) -> dict[str, str]:
    """The verdict of the leakage proof as a tag: `passed (5 attempts, 1,736 rows)`."""
    proof = _tree(catalogue, "leakage_proof")
    tried = cast("list[Tree]", proof.get("attempts", []))
    if not tried:
        return {"leakage_proof": "not run"}
    rows = max(int(cast("int", one["rows"])) for one in tried)
    verdict = "passed" if proof.get("passed") is True else "failed"
    return {"leakage_proof": f"{verdict} ({len(tried)} attempts, {rows:,} rows)"}


def candidate_metrics(name: str, metrics: Tree, backtest: Tree) -> dict[str, float]:
    """Flat metrics of one candidate at the test cutoff and in the backtest."""
    tested = _tree(_tree(metrics, "candidates"), name)
    origins = _tree(_tree(backtest, "candidates"), name)
    money = {f"money_{key}": value for key, value in _at(metrics, "profit", "candidates", name).items()}
    return _numbers(dict(tested) | money | {f"backtest_{key}": value for key, value in origins.items()})


def curves(plots: Path, candidate: str) -> Steps:
    """One candidate's curves; the chart view overlays stepped metrics of many runs."""
    found: Steps = {}
    for file, (metric, step, value) in PERCENT_CURVES.items():
        points = _points(plots / file, candidate)
        if len(points):
            found[metric] = _by_percent(points[step].to_numpy(), points[value].to_numpy())
    bins = _points(plots / "calibration.csv", candidate)
    for metric, column in (("calibration_obs", "observed"), ("calibration_pred", "mean_predicted")):
        if len(bins):
            found[metric] = {int(row["bin"]): float(row[column]) for row in bins.to_dict("records")}
    return found


def _points(file: Path, candidate: str) -> pd.DataFrame:
    if not file.exists():
        return pd.DataFrame()
    points = pd.read_csv(file)
    return points[points["candidate"] == candidate]


def _by_percent(steps: np.ndarray, values: np.ndarray) -> dict[int, float]:
    percents = np.arange(101)
    order = np.argsort(steps, kind="stable")
    at = np.interp(percents / 100.0, steps[order], values[order])
    return {int(percent): float(value) for percent, value in zip(percents, at, strict=True)}


def _outlook(metrics: Tree) -> dict[str, object]:
    """Money and timing in single numbers; what a shop does not have is left out."""
    shares = {"money_share": _at(metrics, "profit", "best").get("share")}
    return (
        shares
        | _with_interval("money_profit", _at(metrics, "profit", "best", "profit"))
        | _with_interval("money_empc", _at(metrics, "profit", "empc", "ours"))
        | _with_interval("revenue_mae", _at(metrics, "value", "all", "mae", "ours"))
        | _with_interval("revenue_mae_naive", _at(metrics, "value", "all", "mae", "naive"))
        | _with_interval("next_order_coverage", _at(metrics, "timing", "test", "coverage"))
        | _with_interval("second_order_calibration_error", _at(metrics, "second_order", "calibration_error"))
    )


def _with_interval(name: str, interval: Tree) -> dict[str, object]:
    edges = {f"{name}_{edge}": interval.get(edge) for edge in EDGES}
    return {name: interval.get("value")} | edges


def _tree(tree: Tree, name: str) -> Tree:
    inner = tree.get(name)
    return cast("Tree", inner) if isinstance(inner, Mapping) else {}


def _at(tree: Tree, *names: str) -> Tree:
    for name in names:
        tree = _tree(tree, name)
    return tree


def _numbers(values: Mapping[str, object]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
    }
