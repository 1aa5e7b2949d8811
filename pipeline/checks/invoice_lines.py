"""Invoice lines become orders, order items and cancellation events.

A line that an earlier sheet (or file) holds as often already is overlap, any other exact repeat a repeat; both go. A
cancelled line becomes part of one event per invoice and customer, at its own time, its value the money given back.
Lines for carriage, fees and adjustments stay out of order items and revenue, unless an order has nothing else.
"""

# ruff: noqa: S608  identifiers are canonical names or quoted, values are quoted literals
from __future__ import annotations

from dataclasses import dataclass

from features.tables import SCHEMAS, SORTED_BY
from pipeline.checks.customs import Customs
from pipeline.checks.outcome import Job, Outcome, scalar, write_quarantine, write_rows
from pipeline.checks.parsed import Raw, clock_notes, parse
from pipeline.checks.rules import LINES, Rule, rules
from pipeline.sources.raw import quoted

OTHERS_ORDER = Rule("order_id", "its order id belongs to another customer", "false")
MONEY_OF_LINE = "quantity * unit_price"
KEPT = "fault = 0 AND repeat = 0"


@dataclass(frozen=True)
class LinesOutcome:
    """The lines' own outcome, what the kept ones became, and figures to compare with published ones."""

    lines: Outcome
    lines_to: dict[str, int]
    made: dict[str, Outcome]
    facts: dict[str, int]


def check_lines(job: Job, raw: Raw, customs: Customs) -> LinesOutcome:
    """Write orders, order items, cancellations (as engagement) and the refused lines."""
    bad_debt = Rule("order_id", "bad-debt adjustment", customs.bad_debt)
    common = rules("lines", LINES, raw.present, job.end, [bad_debt])
    applied = [*common, *_line_rules(raw, customs), OTHERS_ORDER]
    parse(job.connection, raw, LINES, applied)
    _identify(job, raw)
    _mark(job, raw, customs, len(applied))
    facts = _facts(job, customs)

    refused = "SELECT line, fault FROM marked_lines WHERE fault > 0 AND repeat = 0"
    reasons = write_quarantine(job, raw, refused, applied)
    made = {
        "orders": _made(job, "orders", _orders()),
        "order_items": _made(job, "order_items", _order_items()),
        "engagement": _made(job, "engagement", _cancellations()),
    }

    lines_to = _counted(
        job, f"SELECT becomes, count(*) FROM marked_lines WHERE {KEPT} GROUP BY becomes ORDER BY becomes"
    )
    duplicates = facts["overlap_lines"] + facts["repeated_lines"]
    notes = [*_notes(facts), *clock_notes(job.connection, raw)]
    guests = facts["lines_without_customer"]
    outcome = Outcome(facts["lines"], sum(lines_to.values()), duplicates, reasons, notes, guests)
    return LinesOutcome(outcome, lines_to, made, facts)


def _line_rules(raw: Raw, customs: Customs) -> list[Rule]:
    needed = [name for name in ("order_id", "product_id", "quantity", "unit_price") if name in raw.present]
    return [
        *(Rule(name, f"blank {name}", f"{name}__raw IS NULL") for name in needed),
        Rule("product_id", "test product", customs.test),
        Rule("unit_price", "negative price", "unit_price < 0"),
        Rule("unit_price", "price of zero", "unit_price = 0"),
        Rule("quantity", "quantity of zero", "quantity = 0"),
        Rule("quantity", "cancellation with a positive quantity", f"({customs.cancelled}) AND quantity > 0"),
    ]


def _identify(job: Job, raw: Raw) -> None:
    """Without invoice numbers, what one customer buys at one moment is one order."""
    if "order_id" not in raw.present:
        digest = "substr(md5(concat_ws('|', customer_id, CAST(epoch_us(ordered_at) AS VARCHAR))), 1, 16)"
        job.connection.execute(f"UPDATE lines_parsed SET order_id = 'built-' || {digest} WHERE fault = 0")


def _mark(job: Job, raw: Raw, customs: Customs, others_order: int) -> None:
    """Say of each line whether it repeats another (1 of an earlier sheet, 2 of its own) and what it becomes."""
    content = ", ".join(quoted(name) for name in raw.present if name != "sheet")
    part = "sheet" if "sheet" in raw.present else "source_file"
    services = ", ".join("'" + code + "'" for code in ("", *customs.services))
    job.connection.execute(
        f"CREATE OR REPLACE TABLE repeats AS SELECT line, CASE WHEN place <= nth - place THEN 1 ELSE 2 END AS repeat "
        f"FROM (SELECT line, row_number() OVER (PARTITION BY {content} ORDER BY {part}, line) AS nth, "
        f"row_number() OVER (PARTITION BY {content}, {part} ORDER BY line) AS place FROM {raw.scan}) WHERE nth > 1"
    )
    job.connection.execute(
        "CREATE OR REPLACE TABLE marked_lines AS SELECT * EXCLUDE (repeat), coalesce(repeat, 0) AS repeat, "
        f"CASE WHEN ({customs.cancelled}) OR quantity < 0 THEN 'cancellation_lines' "
        f"WHEN upper(product_id) IN ({services}) THEN 'service_lines' ELSE 'item_lines' END AS becomes "
        "FROM lines_parsed LEFT JOIN repeats USING (line)"
    )
    job.connection.execute("DROP TABLE lines_parsed")
    # An order is one customer's: the first line of an order id says whose.
    job.connection.execute(
        f"UPDATE marked_lines SET fault = {others_order} FROM (SELECT order_id, arg_min(customer_id, line) AS owner "
        f"FROM marked_lines WHERE {KEPT} GROUP BY order_id HAVING count(DISTINCT customer_id) > 1) AS shared "
        f"WHERE {KEPT} AND marked_lines.order_id = shared.order_id AND customer_id <> owner"
    )


def _bought() -> str:
    """Kept lines of purchases; service lines only in orders that have nothing else."""
    return (
        f"(SELECT * FROM (SELECT *, bool_or(becomes = 'item_lines') OVER (PARTITION BY order_id) AS has_items "
        f"FROM marked_lines WHERE {KEPT} AND becomes <> 'cancellation_lines') "
        "WHERE becomes = 'item_lines' OR NOT has_items)"
    )


def _orders() -> str:
    return (
        f"SELECT order_id, any_value(customer_id) AS customer_id, min(ordered_at) AS ordered_at, "
        f"max(known_at) AS known_at, CAST(sum({MONEY_OF_LINE}) AS DECIMAL(18, 4)) AS revenue, "
        f"CAST(sum(discount) AS DECIMAL(18, 4)) AS discount, CAST(sum(quantity) AS DOUBLE) AS units, "
        f"min(currency) AS currency, min(channel) AS channel FROM {_bought()} GROUP BY order_id"
    )


def _order_items() -> str:
    quantity = "CAST(quantity AS DOUBLE) AS quantity"
    return f"SELECT order_id, product_id, category, {quantity}, unit_price FROM {_bought()}"


def _cancellations() -> str:
    return (
        f"SELECT 'cancellation-' || order_id || '-' || customer_id AS event_id, customer_id, "
        f"min(ordered_at) AS occurred_at, max(known_at) AS known_at, 'cancellation' AS kind, "
        f"CAST(-sum({MONEY_OF_LINE}) AS DECIMAL(18, 4)) AS value, order_id AS subject, false AS is_machine "
        f"FROM marked_lines WHERE {KEPT} AND becomes = 'cancellation_lines' GROUP BY order_id, customer_id"
    )


def _made(job: Job, table: str, select: str) -> Outcome:
    schema = SCHEMAS[table]
    order = ", ".join(dict.fromkeys([*SORTED_BY[table], *schema.names]))
    columns = ", ".join(schema.names)
    job.connection.execute(f"CREATE TABLE made_{table} AS SELECT {columns} FROM ({select})")
    query = f"SELECT * FROM made_{table} ORDER BY {order}"
    count = write_rows(job.connection, query, schema, job.clean / f"{table}.parquet")
    return Outcome(count, count, 0)


def _facts(job: Job, customs: Customs) -> dict[str, int]:
    """Counts over the raw lines, before any rule, beside those of the repeats."""
    purchase = f"NOT ({customs.cancelled}) AND quantity > 0 AND unit_price > 0"
    queries = {
        "lines": "true",
        "lines_without_customer": "customer_id IS NULL",
        "cancellation_lines": customs.cancelled,
        "bad_debt_lines": customs.bad_debt,
        "test_lines": customs.test,
        "service_lines": "becomes = 'service_lines'",
        "lines_without_price": "unit_price <= 0",
        "overlap_lines": "repeat = 1",
        "repeated_lines": "repeat = 2",
    }
    counts = {
        name: scalar(job.connection, f"SELECT count(*) FROM marked_lines WHERE {rule}")
        for name, rule in queries.items()
    }
    people = "SELECT count(DISTINCT customer_id) FROM marked_lines"
    counts["customers"] = scalar(job.connection, people)
    counts["customers_with_purchase"] = scalar(job.connection, f"{people} WHERE {purchase}")
    return counts


def _notes(facts: dict[str, int]) -> list[str]:
    return [
        f"lines: {facts['overlap_lines']:,} lines occur in an earlier sheet or file as often and were counted once.",
        f"lines: {facts['repeated_lines']:,} lines repeat another of their own sheet or file and were counted once.",
        f"lines: {facts['lines_without_customer']:,} lines have no customer id; they are guests; nobody was invented.",
    ]


def _counted(job: Job, query: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in job.connection.execute(query).fetchall()}
