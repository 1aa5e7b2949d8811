"""The shop's facts for `reports/shop.json`: what the page says that no other stage's JSON says."""

from __future__ import annotations

from typing import TypedDict

import duckdb

from pipeline.paths import CLEAN, HISTORY, PLAN, SCORES
from pipeline.reporting.audience import Audience, audience
from pipeline.reporting.purchases import opened_purchases
from pipeline.reporting.retention import (
    Churn,
    Cohorts,
    EarlySpend,
    Rung,
    churn_by_cutoff,
    cohorts,
    early_spend,
    ladder,
)
from pipeline.reporting.worth import OrderValue, ValueToDate, order_value, value_to_date

_TOTALS = "SELECT count(*), count(DISTINCT customer_id), sum(revenue) FROM purchases"
_CURRENCIES = "SELECT DISTINCT currency FROM read_parquet(?) WHERE currency IS NOT NULL ORDER BY currency"


class Settings(TypedDict):
    """The params that the page names."""

    interval_share: float
    margin_share: float
    top_share: float
    control_share: float
    reasons: int


class ShopFacts(TypedDict):
    """`reports/shop.json`; the parts about money are None where the shop has no revenue."""

    as_of: str
    currency: str | None
    customers: int
    orders: int
    revenue: float | None
    churn: list[Churn]
    ladder: list[Rung]
    early_spend: EarlySpend | None
    cohorts: Cohorts
    order_value: OrderValue | None
    value_to_date: ValueToDate | None
    audience: Audience
    settings: Settings


def shop_facts(as_of: str, settings: Settings) -> ShopFacts:
    """Compute the facts from the clean tables, the history, the scores and the plan."""
    with opened_purchases(CLEAN / "orders.parquet", as_of) as connection:
        [(orders, customers, revenue)] = connection.execute(_TOTALS).fetchall()
        return ShopFacts(
            as_of=as_of,
            currency=_currency(connection),
            customers=customers,
            orders=orders,
            revenue=None if revenue is None else float(revenue),
            churn=churn_by_cutoff(connection, HISTORY),
            ladder=ladder(connection, as_of),
            early_spend=early_spend(connection, as_of),
            cohorts=cohorts(connection, as_of),
            order_value=order_value(connection),
            value_to_date=value_to_date(connection),
            audience=audience(SCORES, PLAN),
            settings=settings,
        )


def _currency(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The shop's one currency; None when the orders name none or several."""
    found = connection.execute(_CURRENCIES, [str(CLEAN / "orders.parquet")]).fetchall()
    return str(found[0][0]) if len(found) == 1 else None
