"""How far expected amounts lie from what came, beside saying the same amount of everybody; intervals by customer.

A few huge orders decide a squared error, so beside MAE and RMSE stands an RMSE in which every amount above `cap_money`
counts as that much, and beside errors the total promised over the total that came. Money is in the shop's currency.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.intervals import Bootstrap, Interval
from models.metrics import Floats


@dataclass(frozen=True)
class Beside:
    """An error of ours, of the constant, and ours minus that on the same resamples: below 0, ours is less."""

    ours: Interval
    naive: Interval
    difference: Interval


def money_errors(
    actual: Floats,
    expected: tuple[Floats, float],
    cap_money: float,
    customer_ids: NDArray[np.generic],
    bootstrap: Bootstrap,
) -> dict[str, Beside]:
    """MAE, RMSE and capped RMSE of (ours, constant), and the ratio of totals; all NaN without a customer."""
    ours, constant = expected
    sides = [_parts(actual, ours, cap_money), _parts(actual, np.full(len(actual), constant), cap_money)]
    resampled = _drawn(sides, customer_ids, bootstrap)
    once = [_measured(*(values.mean(keepdims=True) for values in each.values())) for each in sides]
    return {name: _beside(name, once, resampled, bootstrap) for name in once[0]}


def _beside(name: str, once: list[dict[str, Floats]], drawn: list[dict[str, Floats]], bootstrap: Bootstrap) -> Beside:
    value, other = (float(each[name][0]) for each in once)
    ours, naive = (each[name] for each in drawn)
    intervals = bootstrap.interval(value, ours), bootstrap.interval(other, naive)
    return Beside(*intervals, bootstrap.interval(value - other, ours - naive))


def _drawn(
    sides: list[dict[str, Floats]], customer_ids: NDArray[np.generic], bootstrap: Bootstrap
) -> list[dict[str, Floats]]:
    found: list[list[dict[str, Floats]]] = [[], []]
    for weights in bootstrap.weights(customer_ids):
        size = weights.sum(axis=1)
        for side, each in zip(sides, found, strict=True):
            each.append(_measured(*(weights @ values / size for values in side.values())))
    return [{name: np.concatenate([part[name] for part in each]) for name in each[0]} for each in found]


def _parts(actual: Floats, expected: Floats, cap_money: float) -> dict[str, Floats]:
    """What the measures are means of."""
    off = expected - actual
    capped = np.minimum(expected, cap_money) - np.minimum(actual, cap_money)
    return {"off": np.abs(off), "squared": off**2, "capped": capped**2, "expected": expected, "actual": actual}


def _measured(off: Floats, squared: Floats, capped: Floats, expected: Floats, actual: Floats) -> dict[str, Floats]:
    ratio = np.divide(expected, actual, out=np.full_like(expected, np.nan), where=actual > 0)
    return {"mae": off, "rmse": np.sqrt(squared), "capped_rmse": np.sqrt(capped), "total_ratio": ratio}
