"""`reports/quality.json`: what became of every row, what the shop lacks, when the data ends; and the limits to keep."""

# ruff: noqa: S608  identifiers are canonical names or quoted, values are quoted literals
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from features.errors import DataError
from features.kinds import INTEREST_KINDS
from pipeline.checks.outcome import Job, Outcome, scalar
from pipeline.sources.pulled import Pulled
from pipeline.sources.raw import literal

OPTIONAL_COLUMNS = ("revenue", "discount", "units")
OPTIONAL_TABLES = ("order_items", "engagement", "customers")
TOP_REASONS = 3


def require_usable(table: str, outcome: Outcome, max_quarantine_share: float) -> None:
    """Raise DataError when the orders hold nobody, or too much of a table was refused."""
    carries_orders = table in ("orders", "lines")
    if carries_orders and outcome.guests == outcome.rows_in:
        raise DataError(
            f"none of the {outcome.rows_in:,} rows of {table} has a customer id, so nobody can be scored. "
            "Map the column that holds it to customer_id in params.yaml."
        )
    top = ", ".join(f"{count:,} × {reason}" for reason, count in list(outcome.reasons.items())[:TOP_REASONS])
    if carries_orders and outcome.kept == 0:
        raise DataError(f"none of the {outcome.rows_in:,} rows of {table} is a valid order: {top}. Mend the source.")
    share = outcome.quarantined / outcome.rows_in if outcome.rows_in else 0.0
    if share > max_quarantine_share:
        raise DataError(
            f"{outcome.quarantined:,} of {outcome.rows_in:,} rows of {table} ({share:.0%}) were refused, more than "
            f"check.max_quarantine_share ({max_quarantine_share:.0%}) allows: {top}. Mend the source or raise it."
        )


def quality(job: Job, pulled: Pulled, outcomes: Mapping[str, Outcome]) -> dict[str, object]:
    """The content of the report; `lines` adds its own figures."""
    connection, clean = job.connection, job.clean
    absent, absence_notes = _absent(connection, clean, pulled)
    return {
        "source": pulled.source,
        "zone": pulled.zone,
        "tables": {table: outcome.counts() for table, outcome in outcomes.items()},
        "quarantine": {table: dict(outcome.reasons) for table, outcome in outcomes.items() if outcome.reasons},
        "guests": sum(outcome.guests for table, outcome in outcomes.items() if table in ("orders", "lines")),
        "absent": absent,
        "period": _period(connection, clean),
        "notes": [
            *(note for outcome in outcomes.values() for note in outcome.notes),
            *absence_notes,
            *_lost_zeros(connection, clean),
        ],
    }


def _absent(connection: duckdb.DuckDBPyConnection, clean: Path, pulled: Pulled) -> tuple[list[str], list[str]]:
    absent = ["order_id"] if "order_id" in pulled.absent else []
    orders = _file(clean, "orders")
    absent += [name for name in OPTIONAL_COLUMNS if not scalar(connection, f"SELECT count({name}) FROM {orders}")]
    interest = f"kind IN ({', '.join(map(literal, INTEREST_KINDS))})"  # a cancellation alone is no engagement
    wanted = {name: interest if name == "engagement" else "true" for name in OPTIONAL_TABLES}
    absent += [
        name
        for name, condition in wanted.items()
        if not scalar(connection, f"SELECT count(*) FROM {_file(clean, name)} WHERE {condition}")
    ]
    zone = literal(str(pulled.zone or "UTC"))
    midnight = f"CAST(timezone({zone}, ordered_at) AS TIME) = TIME '00:00:00'"
    if scalar(connection, f"SELECT count(*) FROM {orders} WHERE NOT ({midnight})"):
        return absent, []
    note = "orders: dates without a time of day; each order stands at the midnight its date begins."
    return [*absent, "time_of_day"], [note]


def _period(connection: duckdb.DuckDBPyConnection, clean: Path) -> dict[str, str]:
    times = " UNION ALL ".join(
        f"SELECT {column} AS occurred FROM {_file(clean, table)}"
        for table, column in (("orders", "ordered_at"), ("engagement", "occurred_at"))
    )
    iso = "strftime(timezone('UTC', {}(occurred)), '%Y-%m-%dT%H:%M:%S.%fZ')"
    first, last = connection.execute(f"SELECT {iso.format('min')}, {iso.format('max')} FROM ({times})").fetchall()[0]
    return {"first_event": str(first), "last_event": str(last)}


def _lost_zeros(connection: duckdb.DuckDBPyConnection, clean: Path) -> list[str]:
    """An id that lost its leading zeros on the way matches nobody; say so instead of guessing whose it is."""
    orders = f"(SELECT DISTINCT customer_id AS buyer FROM {_file(clean, 'orders')})"
    notes = []
    for table in ("engagement", "customers"):
        strangers = f"SELECT DISTINCT customer_id FROM {_file(clean, table)} ANTI JOIN {orders} ON customer_id = buyer"
        count = scalar(
            connection,
            f"SELECT count(*) FROM ({strangers}) SEMI JOIN {orders} ON ltrim(customer_id, '0') = ltrim(buyer, '0')",
        )
        if count:
            notes.append(
                f"{table}: {count:,} customer ids match an order only after dropping leading zeros; "
                "one of the two exports lost them. Export the ids as text."
            )
    return notes


def _file(clean: Path, table: str) -> str:
    return f"read_parquet({literal(str(clean / f'{table}.parquet'))})"
