"""Quality of churn probabilities: `churned` is 0/1, `probability` is of churning, a weight counts a row that often.

Every metric is a function of `Groups`: the weight of churned and kept customers at each distinct probability. So the
order of rows and the order among ties cannot matter, and one call measures all resamples of a bootstrap at once
(one row of weights each). Names follow scikit-learn; tests compare with it where it has the metric.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Metric = Callable[["Groups"], Floats]
TINY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Groups:
    """Weights by distinct probability, rising: `scores` (g,), `churned` and `kept` (resamples, g)."""

    scores: Floats
    churned: Floats
    kept: Floats

    @property
    def total(self) -> Floats:
        """Weight of both kinds, (resamples, g)."""
        return self.churned + self.kept

    @property
    def base_rate(self) -> Floats:
        """Share of churned customers, (resamples,)."""
        return _ratio(self.churned.sum(axis=1), self.total.sum(axis=1))


@dataclass(frozen=True)
class Grouping:
    """How the rows of one model fall into groups; made once, used for every resample."""

    scores: Floats
    starts: NDArray[np.intp]
    order: NDArray[np.intp]
    churned: Floats

    def groups(self, weights: Floats) -> Groups:
        """Groups for weights of shape (resamples, rows)."""
        of_rows = weights[:, self.order]
        total = np.add.reduceat(of_rows, self.starts, axis=1)
        churned = np.add.reduceat(of_rows * self.churned, self.starts, axis=1)
        return Groups(self.scores, churned, total - churned)


def grouping(churned: NDArray[np.generic], probability: Floats) -> Grouping:
    """Sort the rows by probability and mark where a new value starts."""
    order = np.argsort(probability, kind="stable")
    of_rows = np.asarray(probability, dtype=np.float64)[order]
    starts = np.flatnonzero(np.r_[True, of_rows[1:] != of_rows[:-1]])
    return Grouping(of_rows[starts], starts, order, np.asarray(churned, dtype=np.float64)[order])


def grouped(churned: NDArray[np.generic], probability: Floats, weights: Floats | None = None) -> Groups:
    """Groups of one sample, (1, g), or of many for weights (resamples, rows); by default every row counts once."""
    each = np.ones(len(churned)) if weights is None else np.asarray(weights, dtype=np.float64)
    return grouping(churned, probability).groups(np.atleast_2d(each))


def roc_auc(groups: Groups) -> Floats:
    """P(a churned customer ranks above a kept one), ties count half; NaN when one class is absent."""
    kept_below = np.cumsum(groups.kept, axis=1) - groups.kept / 2.0
    pairs = groups.churned.sum(axis=1) * groups.kept.sum(axis=1)
    return _ratio((groups.churned * kept_below).sum(axis=1), pairs)


def pr_auc(groups: Groups) -> Floats:
    """Average precision: Σ (recall step) × precision, from the highest probability down."""
    found = np.cumsum(groups.churned[:, ::-1], axis=1)
    contacted = np.cumsum(groups.total[:, ::-1], axis=1)
    steps = groups.churned[:, ::-1] * _ratio(found, contacted, empty=0.0)
    return _ratio(steps.sum(axis=1), found[:, -1])


def brier_loss(groups: Groups) -> Floats:
    """Mean squared error of the probability."""
    squares = groups.churned @ (1.0 - groups.scores) ** 2 + groups.kept @ groups.scores**2
    return _ratio(squares, groups.total.sum(axis=1))


def log_loss(groups: Groups) -> Floats:
    """Mean −log of the probability given to what happened; probabilities are clipped as scikit-learn does."""
    scores = np.clip(groups.scores, TINY, 1.0 - TINY)
    logs = groups.churned @ np.log(scores) + groups.kept @ np.log1p(-scores)
    return _ratio(-logs, groups.total.sum(axis=1))


def skill(groups: Groups) -> Floats:
    """1 − log loss / log loss of the sample's own churn rate; 0 = knows the rate only, 1 = perfect."""
    rate = groups.base_rate
    entropy = -(rate * np.log(np.clip(rate, TINY, 1.0)) + (1.0 - rate) * np.log(np.clip(1.0 - rate, TINY, 1.0)))
    return 1.0 - _ratio(log_loss(groups), entropy)


def calibration_error(groups: Groups, bins: int) -> Floats:
    """Mean |observed − predicted| over bins of equal count (ECE); equal probabilities share a bin."""
    weight, predicted, observed = binned(groups, bins)
    return _ratio(np.abs(observed - predicted).sum(axis=1), weight.sum(axis=1))


def lift_top(groups: Groups, share: float) -> Floats:
    """Churn rate among the `share` most at risk over the base rate; a tie at the border counts in proportion."""
    contacted = np.cumsum(groups.total[:, ::-1], axis=1)
    border = share * contacted[:, -1:]
    before = contacted - groups.total[:, ::-1]
    inside = np.clip(_ratio(border - before, groups.total[:, ::-1], empty=0.0), 0.0, 1.0)
    found = (groups.churned[:, ::-1] * inside).sum(axis=1)
    return _ratio(found / border[:, 0], groups.base_rate)


def binned(groups: Groups, bins: int) -> tuple[Floats, Floats, Floats]:
    """Per bin of equal count: weight, Σ predicted, churned; each (resamples, bins), lowest probabilities first."""
    total = groups.total
    middle = np.cumsum(total, axis=1) - total / 2.0
    bin_of = np.minimum((middle / total.sum(axis=1, keepdims=True) * bins).astype(np.int64), bins - 1)
    flat = (bin_of + np.arange(len(total))[:, None] * bins).ravel()

    def sums(values: Floats) -> Floats:
        sums_flat = np.bincount(flat, values.ravel(), minlength=len(total) * bins)
        return np.asarray(sums_flat, dtype=np.float64).reshape(len(total), bins)

    return sums(total), sums(total * groups.scores), sums(groups.churned)


def registry(calibration_bins: int, top_share: float) -> dict[str, Metric]:
    """Every reported metric by name, in the order of the reports."""
    return {
        "roc_auc": roc_auc,
        "pr_auc": pr_auc,
        "brier": brier_loss,
        "log_loss": log_loss,
        "calibration_error": lambda groups: calibration_error(groups, calibration_bins),
        "lift_top_decile": lambda groups: lift_top(groups, top_share),
        "skill": skill,
    }


BETTER: Mapping[str, Literal["higher", "lower"]] = {
    "roc_auc": "higher",
    "pr_auc": "higher",
    "brier": "lower",
    "log_loss": "lower",
    "calibration_error": "lower",
    "lift_top_decile": "higher",
    "skill": "higher",
}


def best(name: str, values: Mapping[str, float]) -> str:
    """Key of the best value of metric `name`; the alphabet breaks ties."""
    sign = 1.0 if BETTER[name] == "lower" else -1.0
    return min(sorted(values), key=lambda key: sign * values[key])


def _ratio(above: Floats, below: Floats, empty: float = float("nan")) -> Floats:
    out = np.full(np.broadcast_shapes(above.shape, below.shape), empty, dtype=np.float64)
    return np.asarray(np.divide(above, below, out=out, where=below > 0), dtype=np.float64)
