"""What orders and customers are worth: order value, and value to date by decile of customers.

Revenue is after discounts and before refunds, in the shop's currency; quantiles are the smallest value reached.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TypedDict

import duckdb
import numpy as np

BINS = 20

_CENTS = "SELECT CAST(revenue * 100 AS BIGINT) AS cents FROM purchases WHERE revenue IS NOT NULL ORDER BY cents"
_SPENT = """
SELECT CAST(sum(revenue) * 100 AS BIGINT) AS cents FROM purchases WHERE revenue IS NOT NULL
GROUP BY customer_id ORDER BY cents DESC
"""


class Bin(TypedDict):
    """Orders with a value in `[low, high)`; the last bin has no upper end."""

    low: float
    high: float | None
    orders: int
    share: float


class OrderValue(TypedDict):
    """How large orders are."""

    orders: int
    mean: float
    median: float
    lower_decile: float
    upper_decile: float
    bins: list[Bin]


class Tenth(TypedDict):
    """One tenth of the customers by revenue, 1 = the largest; `cumulative` up to and including it."""

    decile: int
    customers: int
    revenue: float
    share: float
    cumulative: float


class ValueToDate(TypedDict):
    """What customers have brought so far, and how unequally."""

    customers: int
    mean: float
    median: float
    top_decile_share: float
    deciles: list[Tenth]


def order_value(connection: duckdb.DuckDBPyConnection) -> OrderValue | None:
    """Order value over all purchases; None without revenue."""
    cents = _column(connection, _CENTS)
    if not cents.size:
        return None
    return OrderValue(
        orders=cents.size,
        mean=round(int(cents.sum()) / cents.size / 100, 2),
        median=_quantile(cents, 0.5),
        lower_decile=_quantile(cents, 0.1),
        upper_decile=_quantile(cents, 0.9),
        bins=_bins(cents),
    )


def value_to_date(connection: duckdb.DuckDBPyConnection) -> ValueToDate | None:
    """Revenue per customer by tenths of customers; None without revenue."""
    cents = _column(connection, _SPENT)
    if not cents.size:
        return None
    deciles = _tenths(cents)
    return ValueToDate(
        customers=cents.size,
        mean=round(int(cents.sum()) / cents.size / 100, 2),
        median=_quantile(cents[::-1], 0.5),
        top_decile_share=deciles[0]["share"],
        deciles=deciles,
    )


def _column(connection: duckdb.DuckDBPyConnection, query: str) -> np.ndarray:
    cents: np.ndarray = connection.execute(query).fetchnumpy()["cents"]
    return np.asarray(cents, dtype=np.int64)


def _quantile(ascending: np.ndarray, level: float) -> float:
    place = max(math.ceil(level * ascending.size) - 1, 0)
    return int(ascending[place]) / 100


def _tenths(descending: np.ndarray) -> list[Tenth]:
    """With fewer than ten customers some tenths would be empty; those are left out."""
    size, total = descending.size, int(descending.sum())
    ends = [size * tenth // 10 for tenth in range(11)] if size >= 10 else list(range(size + 1))
    spent = [int(descending[low:high].sum()) for low, high in pairwise(ends)]
    return [
        Tenth(
            decile=place + 1,
            customers=ends[place + 1] - ends[place],
            revenue=cents / 100,
            share=cents / total,
            cumulative=sum(spent[: place + 1]) / total,
        )
        for place, cents in enumerate(spent)
    ]


def _bins(ascending: np.ndarray) -> list[Bin]:
    """Even bins of a round width up to the 98th percentile, then one open bin."""
    width = _round_width(int(ascending[math.ceil(0.98 * ascending.size) - 1]) / BINS)
    last = min(int(ascending[-1]) // width, BINS)
    counts = np.bincount(np.minimum(ascending // width, last), minlength=last + 1)
    return [
        Bin(
            low=place * width / 100,
            high=None if place == BINS else (place + 1) * width / 100,
            orders=int(count),
            share=int(count) / ascending.size,
        )
        for place, count in enumerate(counts)
    ]


def _round_width(cents: float) -> int:
    """The next of 1, 2, 5 times a power of ten, at least one cent."""
    power = 10 ** math.floor(math.log10(max(cents, 1)))
    return next(int(step * power) for step in (1, 2, 5, 10) if step * power >= cents)
