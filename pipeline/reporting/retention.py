"""How the shop keeps its customers: repeat purchase, the ladder of orders, early spend, cohorts, churn by cutoff.

"Within a year" is `[t, t + 365 days)`, and only people whose year is over at `as_of` are counted. A customer's
orders are counted one by one, also two on the same day. Months are calendar months in UTC.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import duckdb

from pipeline.reporting.purchases import DAY_US, YEAR_US, epoch_us, rows, share

RUNGS = 6
COHORTS = 24
MONTHS_SINCE = 24

_CHURN = """
SELECT strftime(make_timestamp(epoch_us(cutoff)), '%Y-%m-%d') AS day, count(*), sum(churned::BIGINT)
FROM read_parquet(?) GROUP BY day ORDER BY day
"""
_LADDER = """
SELECT number, count(*), count(*) FILTER (next_us < at_us + $year)
FROM purchases WHERE number <= $rungs AND at_us + $year <= $as_of GROUP BY number ORDER BY number
"""
_EARLY = """
SELECT count(DISTINCT customer_id), sum(revenue) FILTER (at_us < first_us + $early), sum(revenue)
FROM purchases WHERE first_us + $year <= $as_of AND at_us < first_us + $year
"""
_COHORTS = """
WITH months AS (
    SELECT DISTINCT customer_id,
           datediff('month', DATE '1970-01-01', make_timestamp(first_us)) AS cohort,
           datediff('month', DATE '1970-01-01', make_timestamp(at_us)) AS month
    FROM purchases)
SELECT cohort, month - cohort, count(*) FROM months GROUP BY ALL ORDER BY ALL
"""


class Churn(TypedDict):
    """Customers of one cutoff, and how many placed no order in the horizon."""

    cutoff: str
    customers: int
    churned: int
    share: float | None


class Rung(TypedDict):
    """Of the customers who placed order `order`, those who placed the next within a year of it."""

    order: int
    customers: int
    continued: int
    share: float | None


class EarlySpend(TypedDict):
    """First-year spend, and the part of it in the first 30 days."""

    customers: int
    first_30_days: float
    first_year: float
    share: float | None


class Cohort(TypedDict):
    """Customers by month of first order; `shares[k]` ordered in the (k + 1)-th calendar month after it."""

    month: str
    customers: int
    shares: list[float]


class Cohorts(TypedDict):
    """The latest cohorts with at least one whole month after them; `strongest` is the 95th percentile of all shares."""

    months: int
    earlier_left_out: int
    strongest: float
    rows: list[Cohort]


def churn_by_cutoff(connection: duckdb.DuckDBPyConnection, history: Path) -> list[Churn]:
    """The label's rate at each closed cutoff."""
    found = rows(connection, _CHURN, [str(history)])
    return [
        Churn(cutoff=str(day), customers=int(str(n)), churned=int(str(gone)), share=share(gone, n))
        for day, n, gone in found
    ]


def ladder(connection: duckdb.DuckDBPyConnection, as_of: str) -> list[Rung]:
    """From order n to order n + 1 within a year; rung 1 is the repeat purchase rate."""
    values = {"rungs": RUNGS, "year": YEAR_US, "as_of": epoch_us(as_of)}
    found = connection.execute(_LADDER, values).fetchall()
    return [Rung(order=n, customers=count, continued=on, share=share(on, count)) for n, count, on in found]


def early_spend(connection: duckdb.DuckDBPyConnection, as_of: str) -> EarlySpend | None:
    """The first 30 days' part of first-year spend; None without revenue or without a whole year."""
    values = {"early": 30 * DAY_US, "year": YEAR_US, "as_of": epoch_us(as_of)}
    [(customers, early, year)] = connection.execute(_EARLY, values).fetchall()
    if not year:
        return None
    return EarlySpend(customers=customers, first_30_days=float(early), first_year=float(year), share=share(early, year))


def cohorts(connection: duckdb.DuckDBPyConnection, as_of: str) -> Cohorts:
    """Retention by month of first order, for calendar months that are over at `as_of`."""
    counts: dict[int, dict[int, int]] = {}
    for cohort, age, customers in connection.execute(_COHORTS).fetchall():
        counts.setdefault(cohort, {})[age] = customers
    over = _months_over(as_of)
    shown = [month for month in counts if over - month > 1]
    latest = shown[-COHORTS:]
    table = [_cohort(month, counts[month], over - month) for month in latest]
    longest = max((len(row["shares"]) for row in table), default=0)
    shares = sorted(share for row in table for share in row["shares"])
    strongest = shares[len(shares) * 95 // 100] if shares else 0.0
    return Cohorts(months=longest, earlier_left_out=len(shown) - len(latest), strongest=strongest, rows=table)


def _cohort(month: int, by_age: dict[int, int], ages: int) -> Cohort:
    customers = by_age[0]
    shares = [by_age.get(age, 0) / customers for age in range(1, min(ages, MONTHS_SINCE + 1))]
    return Cohort(month=f"{1970 + month // 12}-{month % 12 + 1:02d}", customers=customers, shares=shares)


def _months_over(as_of: str) -> int:
    """Months since January 1970 that are over: the running month is not."""
    year, month = as_of.split("-")[:2]
    return (int(year) - 1970) * 12 + int(month) - 1
