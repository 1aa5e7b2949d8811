"""DuckDB: the floor (read and sort the rows) and the thirty columns in SQL, as one writes it and as one tunes it."""

# ruff: noqa: S608  the only text put into the SQL is ours
from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.feature_peers.spec import DAY_US, ENGAGEMENT, KINDS, WINDOWS_DAYS, age_name, count_name

THREADS = 2


def sorted_rows(clean: Path) -> int:
    """The floor: the columns every engine needs, read from Parquet and sorted by customer and time; the rows."""
    with _connected() as connection:
        connection.execute(
            "CREATE TABLE engaged AS SELECT customer_id, known_at, kind, value "
            f"FROM '{clean}/engagement.parquet' WHERE NOT is_machine ORDER BY customer_id, known_at"
        )
        connection.execute(
            "CREATE TABLE bought AS SELECT customer_id, known_at, revenue, discount, units "
            f"FROM '{clean}/orders.parquet' ORDER BY customer_id, known_at"
        )
        return sum(
            int(connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]) for name in ("engaged", "bought")
        )


def plain(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """As one writes it: a join with the cutoffs, and 25 counts filtered by kind and interval."""
    return _filtered(clean, cutoffs_us, result, "known_at", "make_timestamptz")


def zoneless(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """The same query on times without a zone, from which DuckDB takes an interval without asking a calendar."""
    return _filtered(clean, cutoffs_us, result, "known_at AT TIME ZONE 'UTC'", "make_timestamp")


def _filtered(clean: Path, cutoffs_us: tuple[int, ...], result: Path, time: str, moment: str) -> int:
    counts = ", ".join(
        f"count(*) FILTER (WHERE kind = '{kind}' AND time >= cutoff - INTERVAL {days} DAY) AS {count_name(kind, days)}"
        for kind in KINDS
        for days in WINDOWS_DAYS
    )
    ages = ", ".join(
        f"(epoch_us(cutoff) - epoch_us(max(time) FILTER (WHERE kind = '{kind}'))) / {DAY_US} AS {age_name(kind)}"
        for kind in KINDS
    )
    return _written(
        f"SELECT customer_id, epoch_us(cutoff) AS cutoff, {counts}, {ages} "
        f"FROM {_joined(clean, cutoffs_us, time, moment)} AS events "
        "GROUP BY customer_id, events.cutoff HAVING count(*) FILTER (WHERE kind = 'order') > 0",
        result,
    )


def tuned(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """Times as integers; by customer, cutoff and kind first, five counts each; then the kinds side by side."""
    counts = ", ".join(f"count(*) FILTER (WHERE time >= cutoff - {days * DAY_US}) AS n{days}" for days in WINDOWS_DAYS)
    aside = ", ".join(
        f"coalesce(max(n{days}) FILTER (WHERE kind = '{kind}'), 0) AS {count_name(kind, days)}"
        for kind in KINDS
        for days in WINDOWS_DAYS
    )
    ages = ", ".join(
        f"(cutoff - max(last) FILTER (WHERE kind = '{kind}')) / {DAY_US} AS {age_name(kind)}" for kind in KINDS
    )
    return _written(
        f"SELECT customer_id, cutoff, {aside}, {ages} FROM ("
        f"SELECT customer_id, cutoff, kind, {counts}, max(time) AS last "
        f"FROM {_joined(clean, cutoffs_us, 'epoch_us(known_at)', '')} GROUP BY customer_id, cutoff, kind"
        ") GROUP BY customer_id, cutoff HAVING count(*) FILTER (WHERE kind = 'order') > 0",
        result,
    )


def _joined(clean: Path, cutoffs_us: tuple[int, ...], time: str, moment: str) -> str:
    """Every event beside every later cutoff; `time` reads an event's time, `moment` makes a time of microseconds."""
    kinds = ", ".join(f"'{kind}'" for kind in ENGAGEMENT)
    cutoffs = ", ".join(f"({moment}({cutoff}::BIGINT))" for cutoff in cutoffs_us)
    return (
        f"(SELECT * FROM (SELECT customer_id, {time} AS time, 'order' AS kind FROM '{clean}/orders.parquet' "
        f"UNION ALL SELECT customer_id, {time}, kind FROM '{clean}/engagement.parquet' "
        f"WHERE NOT is_machine AND kind IN ({kinds})) "
        f"JOIN (VALUES {cutoffs}) AS cutoffs(cutoff) ON time < cutoff)"
    )


def _written(select: str, result: Path) -> int:
    with _connected() as connection:
        copied = connection.execute(f"COPY ({select}) TO '{result}' (FORMAT parquet, COMPRESSION lz4)")
        return int(copied.fetchall()[0][0])


def _connected() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": THREADS, "preserve_insertion_order": False})
    connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
    return connection
