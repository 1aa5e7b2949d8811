"""Two models on the same rows: every metric of both and their difference, on the same resamples of customers.

Both models meet the same drawn customers, so what is common to them cancels out of the difference. Beside its interval
stands in how many resamples the second model was the better one: how sure one may be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.curves import GRID, gain
from models.intervals import NOISE_COUNTS_TWICE, Bootstrap, Interval
from models.metrics import BETTER, Floats, Groups, Metric, binned, grouping


@dataclass(frozen=True)
class Paired:
    """Metric of the first, of the second, second minus first, and in how many of `resamples` the second is better."""

    first: Interval
    second: Interval
    difference: Interval
    better: int
    resamples: int

    @property
    def is_clear(self) -> bool:
        """Does the interval of the difference leave out zero?"""
        return self.difference.low > 0.0 or self.difference.high < 0.0


@dataclass(frozen=True)
class Band:
    """A curve with the interval at each of its points."""

    x: Floats
    y: Floats
    low: Floats
    high: Floats


def paired_metrics(
    metrics: Mapping[str, Metric],
    churned: NDArray[np.generic],
    probabilities: tuple[Floats, Floats],
    customer_ids: NDArray[np.generic],
    bootstrap: Bootstrap,
) -> dict[str, Paired]:
    """Every metric of both; one that BETTER does not know is the better the higher."""
    first, second = (grouping(churned, each) for each in probabilities)
    once = np.ones((1, len(churned)))
    draws: dict[str, list[tuple[Floats, Floats]]] = {name: [] for name in metrics}
    for weights in bootstrap.weights(customer_ids):
        of_first, of_second = first.groups(weights), second.groups(weights)
        for name, metric in metrics.items():
            draws[name].append((metric(of_first), metric(of_second)))
    of_first, of_second = first.groups(once), second.groups(once)
    values = {name: (float(metric(of_first)[0]), float(metric(of_second)[0])) for name, metric in metrics.items()}
    return {name: _paired(name, values[name], draws[name], bootstrap) for name in metrics}


def gain_band(
    churned: NDArray[np.generic], probability: Floats, customer_ids: NDArray[np.generic], bootstrap: Bootstrap
) -> Band:
    """Share of churners found by share contacted."""
    return _band(lambda groups: (GRID, gain(groups)), churned, probability, customer_ids, bootstrap)


def reliability_band(
    churned: NDArray[np.generic],
    probability: Floats,
    customer_ids: NDArray[np.generic],
    bootstrap: Bootstrap,
    bins: int,
) -> Band:
    """Observed churn rate by mean prediction; bins that ties left empty are dropped."""

    def curve(groups: Groups) -> tuple[Floats, Floats]:
        weight, predicted, observed = (values[0] for values in binned(groups, bins))
        safe = np.where(weight > 0, weight, np.nan)
        return predicted / safe, observed / safe

    found = _band(curve, churned, probability, customer_ids, bootstrap)
    filled = ~np.isnan(found.x)
    return Band(found.x[filled], found.y[filled], found.low[filled], found.high[filled])


def _band(
    curve: Callable[[Groups], tuple[Floats, Floats]],
    churned: NDArray[np.generic],
    probability: Floats,
    customer_ids: NDArray[np.generic],
    bootstrap: Bootstrap,
) -> Band:
    rows = grouping(churned, probability)
    x, y = curve(rows.groups(np.ones((1, len(churned)))))
    drawn = []
    for weights in bootstrap.weights(customer_ids):
        groups = rows.groups(weights)
        singles = zip(groups.churned, groups.kept, strict=True)
        drawn += [curve(Groups(groups.scores, one[None], other[None]))[1] for one, other in singles]
    intervals = [bootstrap.interval(float(at), each) for at, each in zip(y, np.array(drawn).T, strict=True)]
    return Band(x, y, np.array([i.low for i in intervals]), np.array([i.high for i in intervals]))


def _paired(name: str, values: tuple[float, float], draws: list[tuple[Floats, Floats]], bootstrap: Bootstrap) -> Paired:
    first, second = (np.concatenate([pair[side] for pair in draws]) for side in (0, 1))
    moved = name in NOISE_COUNTS_TWICE
    difference = second - first
    gained = -difference if BETTER.get(name) == "lower" else difference
    found = Paired(
        bootstrap.interval(values[0], first, moved),
        bootstrap.interval(values[1], second, moved),
        bootstrap.interval(values[1] - values[0], difference),
        int((gained > 0).sum()),
        int((~np.isnan(difference)).sum()),
    )
    known = not (np.isnan(values[0]) or np.isnan(values[1]))
    return found if known else replace(found, resamples=0)
