"""The shop's purchases up to `as_of` as one DuckDB table, numbered per customer.

Times are epoch microseconds (UTC), money stays decimal: sums are exact, so the bytes do not depend on threads.
An order that brought no money is not a purchase; where the shop has no revenue every order is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

MICROSECOND = timedelta(microseconds=1)
DAY_US = timedelta(days=1) // MICROSECOND
YEAR_US = 365 * DAY_US

Row = tuple[object, ...]

_PURCHASES = """
CREATE TABLE purchases AS
SELECT customer_id, at_us, revenue,
       row_number() OVER history AS number,
       first_value(at_us) OVER history AS first_us,
       lead(at_us) OVER history AS next_us
FROM (SELECT customer_id, order_id, revenue, epoch_us(ordered_at) AS at_us
      FROM read_parquet(?)
      WHERE epoch_us(known_at) < ? AND customer_id IS NOT NULL AND (revenue IS NULL OR revenue > 0))
WINDOW history AS (PARTITION BY customer_id ORDER BY at_us, order_id)
"""


def epoch_us(text: str) -> int:
    """Microseconds since 1970 of an ISO time; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND


@contextmanager
def opened_purchases(orders: Path, as_of: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that holds `purchases`: customer_id, at_us, revenue, number (1 = first), first_us, next_us."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.execute(_PURCHASES, [str(orders), epoch_us(as_of)])
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str, values: list[object] | None = None) -> list[Row]:
    """Every row of a query."""
    found: list[Row] = connection.execute(query, values or []).fetchall()
    return found


def share(part: object, whole: object) -> float | None:
    """`part / whole`, or None where there is no whole."""
    return float(str(part)) / float(str(whole)) if whole and part is not None else None
