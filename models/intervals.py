"""Intervals by a bootstrap that resamples customers, not rows: a customer's rows come and go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Floats, Metric, brier_loss, grouping, log_loss, pr_auc, roc_auc, skill

CHUNK = 2_000_000  # weights held at once: 16 MB, measured as fast as any larger size
# A binned error is the mean of absolute noise: resampling adds the noise a second time, so its plain percentiles lie
# above the value itself. Its interval is moved back onto the value (bootstrap bias correction).
NOISE_COUNTS_TWICE = frozenset({"calibration_error"})
BY_NAME: Mapping[str, Metric] = {
    "roc_auc": roc_auc,
    "pr_auc": pr_auc,
    "brier": brier_loss,
    "log_loss": log_loss,
    "skill": skill,
}


@dataclass(frozen=True)
class Interval:
    """A value and the percentile interval around it."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Bootstrap:
    """How often, from which seed, and which share the interval holds, e.g. 0.95."""

    resamples: int
    seed: int
    share: float

    def weights(self, customer_ids: NDArray[np.generic]) -> Iterator[Floats]:
        """Chunks of (resamples, rows): how often each row's customer was drawn; the same for every model."""
        names, codes = np.unique(customer_ids, return_inverse=True)
        generator = np.random.default_rng(self.seed)
        at_once = max(1, CHUNK // max(1, len(codes)))
        for first in range(0, self.resamples, at_once):
            many = min(at_once, self.resamples - first)
            drawn = generator.integers(0, len(names), size=(many, len(names)))
            shifted = (drawn + np.arange(many)[:, None] * len(names)).ravel()
            counts = np.bincount(shifted, minlength=many * len(names)).reshape(many, len(names))
            yield counts[:, codes].astype(np.float64)

    def interval(self, value: float, resampled: Floats, moved_back: bool = False) -> Interval:
        """The percentiles of the resampled values; NaN resamples (one class only) are left out."""
        known = resampled[~np.isnan(resampled)]
        if len(known) == 0:
            return Interval(value, value, value)
        low, high = np.quantile(known, [(1.0 - self.share) / 2.0, (1.0 + self.share) / 2.0])
        shift = float(known.mean()) - value if moved_back else 0.0
        return Interval(value, max(float(low) - shift, 0.0) if moved_back else float(low), float(high) - shift)


def metric_intervals(
    metrics: Mapping[str, Metric],
    churned: NDArray[np.generic],
    probability: Floats,
    customer_ids: NDArray[np.generic],
    bootstrap: Bootstrap,
) -> dict[str, Interval]:
    """Every metric of one model with its interval."""
    rows = grouping(churned, probability)
    once = rows.groups(np.ones((1, len(churned))))
    draws: dict[str, list[Floats]] = {name: [] for name in metrics}
    for weights in bootstrap.weights(customer_ids):
        groups = rows.groups(weights)
        for name, metric in metrics.items():
            draws[name].append(metric(groups))
    return {
        name: bootstrap.interval(float(metric(once)[0]), np.concatenate(draws[name]), name in NOISE_COUNTS_TWICE)
        for name, metric in metrics.items()
    }


def mean_interval(values: Floats, customer_ids: NDArray[np.generic], bootstrap: Bootstrap) -> Interval:
    """The mean of `values`, e.g. the churn rate, with its interval."""
    draws = [weights @ values / weights.sum(axis=1) for weights in bootstrap.weights(customer_ids)]
    return bootstrap.interval(float(values.mean()), np.concatenate(draws))


def paired_interval(
    metric: Metric | str,
    churned: NDArray[np.generic],
    ours: Floats,
    theirs: Floats,
    customer_ids: NDArray[np.generic],
    resamples: int,
    seed: int,
    share: float,
) -> Interval:
    """Metric of `ours` minus metric of `theirs` on the same resamples; below 0, a loss of ours is the lower one."""
    measure: Metric = BY_NAME[metric] if isinstance(metric, str) else metric
    bootstrap = Bootstrap(resamples, seed, share)
    mine, other = grouping(churned, ours), grouping(churned, theirs)
    once = np.ones((1, len(churned)))
    value = float((measure(mine.groups(once)) - measure(other.groups(once)))[0])
    chunks = bootstrap.weights(customer_ids)
    draws = [measure(mine.groups(weights)) - measure(other.groups(weights)) for weights in chunks]
    return bootstrap.interval(value, np.concatenate(draws))
