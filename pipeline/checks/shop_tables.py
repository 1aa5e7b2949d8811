"""Orders, order items, engagement and customers: parsed, refused with a reason, each id kept once.

An id that comes again with the same content is a repeat of overlapping exports. With other content the last row wins
and the others are refused; an event id stands for one event: the first known row stays, all others are repeats.
"""

# ruff: noqa: S608  identifiers are canonical names or quoted, values are quoted literals
from __future__ import annotations

from zoneinfo import available_timezones

import duckdb

from features.tables import SCHEMAS, SORTED_BY
from pipeline.checks.outcome import Job, Outcome, scalar, write_quarantine, write_rows
from pipeline.checks.parsed import Raw, clock_notes, parse
from pipeline.checks.rules import NO_CUSTOMER, NO_ORDER, SUPERSEDED, Rule, rules, wrong_zone
from pipeline.sources.raw import literal

IDS = {"orders": "order_id", "engagement": "event_id", "customers": "customer_id"}


def check_table(job: Job, raw: Raw) -> Outcome:
    """Write the kept and the refused rows of one table."""
    connection, table, schema = job.connection, raw.table, SCHEMAS[raw.table]
    applied = [*rules(table, schema, raw.present, job.end), *_zone_rules(connection, raw)]
    parsed = parse(connection, raw, schema, applied)
    notes = [*clock_notes(connection, raw), *_early(connection, parsed, table), *_built(connection, parsed, raw)]
    applied.append(Rule(IDS.get(table, "order_id"), NO_ORDER if table == "order_items" else SUPERSEDED, "false"))
    repeats = _repeats(connection, parsed, table, len(applied))
    refused = (
        f"SELECT line, fault FROM {parsed} WHERE fault > 0 UNION ALL SELECT line, fault FROM {repeats} WHERE fault > 0"
    )
    kept = f"SELECT {', '.join(schema.names)} FROM {parsed} ANTI JOIN {repeats} USING (line) WHERE fault = 0"
    order = ", ".join(dict.fromkeys([*SORTED_BY[table], *schema.names]))
    write_rows(
        connection,
        f"SELECT * FROM ({_with_made(connection, table, kept)}) ORDER BY {order}",
        schema,
        job.clean / f"{table}.parquet",
    )
    count = scalar(connection, f"SELECT count(*) FROM ({kept})")
    reasons = write_quarantine(job, raw, refused, applied)
    rows_in = scalar(connection, f"SELECT count(*) FROM {parsed}")
    duplicates = scalar(connection, f"SELECT count(*) FROM {repeats} WHERE fault = 0")
    connection.execute(f"DROP TABLE {parsed}")
    connection.execute(f"DROP TABLE {repeats}")
    return Outcome(rows_in, count, duplicates, reasons, notes, reasons.get(NO_CUSTOMER, 0))


def _with_made(connection: duckdb.DuckDBPyConnection, table: str, kept: str) -> str:
    """Beside the shop's own rows, those that the check of the invoice lines made."""
    made = scalar(connection, f"SELECT count(*) FROM duckdb_tables() WHERE table_name = 'made_{table}'")
    return f"{kept} UNION ALL BY NAME SELECT * FROM made_{table}" if made else kept


def _zone_rules(connection: duckdb.DuckDBPyConnection, raw: Raw) -> list[Rule]:
    if raw.table != "customers" or "timezone" not in raw.present:
        return []
    found = connection.execute(f"SELECT DISTINCT trim(timezone) FROM {raw.scan} WHERE timezone IS NOT NULL").fetchall()
    wrong = sorted({str(row[0]) for row in found if row[0]} - available_timezones())
    return [wrong_zone(wrong)] if wrong else []


def _early(connection: duckdb.DuckDBPyConnection, parsed: str, table: str) -> list[str]:
    if table not in ("orders", "engagement"):
        return []
    early = scalar(connection, f"SELECT count(*) FROM {parsed} WHERE fault = 0 AND early")
    what = f"{table}: {early:,} rows say they were known before they happened; known_at was raised to that time."
    return [what] if early else []


def _built(connection: duckdb.DuckDBPyConnection, parsed: str, raw: Raw) -> list[str]:
    """Give rows of a source without ids one made of their content, the same in every export that repeats them."""
    identity = IDS.get(raw.table, "")
    if identity in ("", "customer_id") or identity in raw.present:
        return []
    content = ", ".join(f"coalesce(CAST({name} AS VARCHAR), '')" for name in SCHEMAS[raw.table].names)
    # Two orders may look alike, and only their being two rows of one file tells them apart; two such events are one.
    place = "row_number() OVER (PARTITION BY source_file, digest ORDER BY line)" if raw.table == "orders" else "1"
    connection.execute(
        f"CREATE OR REPLACE TABLE {parsed} AS SELECT * EXCLUDE (digest) "
        f"REPLACE ('built-' || digest || '-' || {place} AS {identity}) FROM "
        f"(SELECT *, substr(md5(concat_ws('|', {content})), 1, 16) AS digest FROM {parsed} WHERE fault = 0) "
        f"UNION ALL BY NAME SELECT * FROM {parsed} WHERE fault > 0"
    )
    return [f"{raw.table}: the source has no {identity}; it was built from the content of each row."]


def _repeats(connection: duckdb.DuckDBPyConnection, parsed: str, table: str, fault: int) -> str:
    """Create a table of lines that go: fault 0 for a repeat, else the place of the last rule."""
    name = f"{table}_repeats"
    query = _item_repeats(parsed, fault) if table == "order_items" else _id_repeats(parsed, table, fault)
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")
    return name


def _id_repeats(parsed: str, table: str, fault: int) -> str:
    identity = IDS[table]
    best = "known_at, line" if table == "engagement" else "line DESC"
    content = f"row({', '.join(SCHEMAS[table].names)})"
    differs = f"CASE WHEN {content} IS NOT DISTINCT FROM first_value({content}) OVER same THEN 0 ELSE {fault} END"
    verdict = "0" if table == "engagement" else differs
    twice = f"SELECT {identity} FROM {parsed} WHERE fault = 0 GROUP BY {identity} HAVING count(*) > 1"
    return (
        f"SELECT line, CAST(verdict AS SMALLINT) AS fault FROM (SELECT line, {verdict} AS verdict, "
        f"row_number() OVER same AS place FROM {parsed} SEMI JOIN ({twice}) USING ({identity}) WHERE fault = 0 "
        f"WINDOW same AS (PARTITION BY {identity} ORDER BY {best})) WHERE place > 1"
    )


def _item_repeats(parsed: str, fault: int) -> str:
    # An order may list a product twice, so only a line that another file gave as often already is a repeat.
    content = ", ".join(SCHEMAS["order_items"].names)
    return (
        f"SELECT line, CAST(CASE WHEN orphan THEN {fault} ELSE 0 END AS SMALLINT) AS fault FROM (SELECT *, "
        f"row_number() OVER (PARTITION BY {content}, place ORDER BY line) AS time FROM (SELECT *, "
        f"row_number() OVER (PARTITION BY source_file, {content} ORDER BY line) AS place, "
        f"order_id NOT IN (SELECT order_id FROM kept_orders) AS orphan FROM {parsed} WHERE fault = 0)) "
        f"WHERE orphan OR time > 1"
    )


def know_kept_orders(job: Job) -> None:
    """Tell the check of the order items which orders were kept."""
    source = literal(str(job.clean / "orders.parquet"))
    job.connection.execute(f"CREATE OR REPLACE VIEW kept_orders AS SELECT order_id FROM read_parquet({source})")
