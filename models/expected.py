"""How good a model should turn out on rows whose labels nobody knows yet, if its probabilities are right.

A customer of churn probability p counts p as churned and 1 − p as kept, so every metric of models/metrics.py gives its
expected value: churn rate mean(p), Brier mean(p (1 − p)), log loss the mean entropy, AUC over the expected pairs. This
is confidence-based performance estimation (CBPE; Białek, Kuberski, Perrakis & Bifet 2024, arXiv:2401.08348, as NannyML
does it). It cannot see that the probabilities themselves went wrong: only labels can, hence the range, which holds the
measured metric when they have not. It comes from labels drawn from p.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from models.intervals import CHUNK, Bootstrap, Interval
from models.metrics import Floats, Grouping, Groups, Metric, brier_loss, grouping, log_loss, roc_auc

METRICS: Mapping[str, Metric] = {
    "churn_rate": lambda groups: groups.base_rate,
    "roc_auc": roc_auc,
    "log_loss": log_loss,
    "brier": brier_loss,
}


def expected_metrics(probability: Floats, how: Bootstrap) -> dict[str, Interval]:
    """Every metric as it should be measured once the horizon is over, and the range that chance leaves it."""
    rows = grouping(probability, probability)  # each churns by the share p
    once = rows.groups(np.ones((1, len(probability))))
    values = {name: float(metric(once)[0]) for name, metric in METRICS.items()}
    values["roc_auc"] = _expected_auc(once, probability)
    draws: dict[str, list[Floats]] = {name: [] for name in METRICS}
    for groups in _drawn(rows, how):
        for name, metric in METRICS.items():
            draws[name].append(metric(groups))
    return {name: how.interval(values[name], np.concatenate(draws[name])) for name in METRICS}


def measured_metrics(churned: NDArray[np.generic], probability: Floats) -> dict[str, float]:
    """The same metrics of labels that are known by now; NaN where one class is absent."""
    groups = grouping(churned, probability).groups(np.ones((1, len(churned))))
    return {name: float(metric(groups)[0]) for name, metric in METRICS.items()}


def _expected_auc(once: Groups, probability: Floats) -> float:
    """Expected churned-above-kept pairs over expected pairs, without those of a customer with herself."""
    itself = float((probability * (1.0 - probability)).sum())
    kept_below = np.cumsum(once.kept, axis=1) - once.kept / 2.0
    above = float((once.churned * kept_below).sum()) - itself / 2.0
    pairs = float(once.churned.sum() * once.kept.sum()) - itself
    return above / pairs if pairs > 0 else float("nan")


def _drawn(rows: Grouping, how: Bootstrap) -> Iterator[Groups]:
    """Chunks of drawn outcomes, as groups; `rows.churned` holds p in rising order."""
    generator = np.random.default_rng(how.seed)
    each = np.diff(np.r_[rows.starts, len(rows.churned)]).astype(np.float64)
    at_once = max(1, CHUNK // max(1, len(rows.churned)))
    for first in range(0, how.resamples, at_once):
        many = min(at_once, how.resamples - first)
        labels = (generator.random((many, len(rows.churned))) < rows.churned).astype(np.float64)
        churned = np.add.reduceat(labels, rows.starts, axis=1)
        yield Groups(rows.scores, churned, each - churned)
