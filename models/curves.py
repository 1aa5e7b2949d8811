"""Curves and tables behind the metrics, each on a fixed grid so that models and runs overlay point by point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.metrics import Floats, Groups, binned

GRID = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Reliability:
    """One calibration table, bins of equal count from low to high: mean prediction, observed rate, customers."""

    mean_predicted: Floats
    observed: Floats
    count: Floats


def reliability(groups: Groups, bins: int) -> Reliability:
    """The calibration table of one sample; bins that ties left empty are dropped."""
    weight, predicted, observed = (values[0] for values in binned(groups, bins))
    filled = weight > 0
    return Reliability(predicted[filled] / weight[filled], observed[filled] / weight[filled], weight[filled])


def gain(groups: Groups) -> Floats:
    """Share of all churners among the most at risk, at each contacted share of GRID."""
    contacted, found = _from_the_top(groups)
    return np.interp(GRID, contacted, found)


def roc(groups: Groups) -> Floats:
    """True positive rate at each false positive rate of GRID."""
    kept = np.r_[0.0, np.cumsum(groups.kept[0, ::-1])]
    churned = np.r_[0.0, np.cumsum(groups.churned[0, ::-1])]
    return _upper(kept / kept[-1], churned / churned[-1])


def precision_recall(groups: Groups) -> Floats:
    """Precision once the recall of GRID is reached; at recall 0, the precision of the first group."""
    churned = np.cumsum(groups.churned[0, ::-1])
    contacted = np.cumsum(groups.total[0, ::-1])
    reached = np.searchsorted(churned / churned[-1], GRID - 1e-12)
    at = np.minimum(reached, len(churned) - 1)
    return np.asarray(churned[at] / contacted[at], dtype=np.float64)


def _from_the_top(groups: Groups) -> tuple[Floats, Floats]:
    contacted = np.r_[0.0, np.cumsum(groups.total[0, ::-1])]
    found = np.r_[0.0, np.cumsum(groups.churned[0, ::-1])]
    return contacted / contacted[-1], found / found[-1]


def _upper(x: Floats, y: Floats) -> Floats:
    # A vertical step has many y at one x; the curve's point there is the highest.
    last = np.r_[x[1:] != x[:-1], True]
    return np.interp(GRID, x[last], y[last])
