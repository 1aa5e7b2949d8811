"""What customers brought in a span of time, net of what reaching them cost; money in the shop's currency.

Net margin = margin share · (revenue + discount) − discount − sending − gifts. Revenue is after discounts, so the
discount is added before the share is taken and then paid in full. A gift (free shipping, a sample) is paid with every
order of the days after its message arrived. The clock is `known_at`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.log import DAY_US, Ints
from models.effect import Floats
from pipeline.sources.raw import connect, literal

GIFT_DAYS = 14


@dataclass(frozen=True)
class Ways:
    """Money and orders by customer (a position among some ids) and instant, int64 µs UTC."""

    customer: Ints
    time: Ints
    money: Floats
    orders: Floats

    def between(self, customer: Ints, begin: Ints, end: Ints) -> tuple[Floats, Floats]:
        """Money and number of orders of each customer in [begin, end)."""
        moments, rank = np.unique(np.concatenate([self.time, begin, end]), return_inverse=True)
        size = len(moments) + 1
        own, first, last = np.split(rank, [len(self.time), len(self.time) + len(begin)])
        key = self.customer * size + own
        order = np.argsort(key, kind="stable")
        low, high = (np.searchsorted(key[order], customer * size + at) for at in (first, last))
        sums = [np.concatenate([[0.0], np.cumsum(values[order])]) for values in (self.money, self.orders)]
        return sums[0][high] - sums[0][low], sums[1][high] - sums[1][low]


def read_ways(clean: Path, customers: pd.Index, decisions: pd.DataFrame, margin_share: float) -> Ways:
    """Orders of these customers and costs of what was delivered to them."""
    bought = _orders(clean, customers, margin_share)
    sent = decisions[decisions["delivered_at"].notna()]
    who = customers.get_indexer(pd.Index(sent["customer_id"])).astype(np.int64)
    at = microseconds(sent["delivered_at"])
    _, orders = bought.between(who, at, at + GIFT_DAYS * DAY_US)
    gifts = sent["offer_cost_money"].fillna(0.0).to_numpy(np.float64) * orders
    cost = sent["cost_money"].fillna(0.0).to_numpy(np.float64) + gifts
    return Ways(
        np.concatenate([bought.customer, who]),
        np.concatenate([bought.time, at]),
        np.concatenate([bought.money, -cost]),
        np.concatenate([bought.orders, np.zeros(len(who))]),
    )


def microseconds(times: pd.Series) -> Ints:
    """A column of instants as int64 µs UTC."""
    return np.asarray(times.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64)


def _orders(clean: Path, customers: pd.Index, margin_share: float) -> Ways:
    orders = literal(str(clean / "orders.parquet"))
    query = (
        "SELECT customer_id, epoch_us(known_at) AS time, coalesce(CAST(revenue AS DOUBLE), 0) AS revenue, "  # noqa: S608
        f"coalesce(CAST(discount AS DOUBLE), 0) AS discount FROM read_parquet({orders}) "
        "ORDER BY customer_id, known_at, order_id"
    )
    with connect() as connection:
        found: pd.DataFrame = connection.execute(query).df()
    who = customers.get_indexer(pd.Index(found["customer_id"])).astype(np.int64)
    found, who = found[who >= 0], who[who >= 0]
    discount = found["discount"].to_numpy(np.float64)
    margin = margin_share * (found["revenue"].to_numpy(np.float64) + discount) - discount
    return Ways(who, found["time"].to_numpy(np.int64), margin, np.ones(len(who)))
