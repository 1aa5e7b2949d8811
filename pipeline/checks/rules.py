"""Why a row is refused: per table, in order, the first rule that holds is the recorded reason.

A condition is SQL over the parsed columns; `<column>__raw` is the value as text before parsing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from features.kinds import ENGAGEMENT_KINDS
from features.tables import MONEY, REQUIRED, SCHEMAS, TIME
from pipeline.checks.parsing import FIRST_YEAR, LAST_YEAR
from pipeline.sources.raw import literal

NO_CUSTOMER = "no customer id"
AFTER_END = "after the end of the export"
SUPERSEDED = "another row with the same id came later"
NO_ORDER = "its order is not among the kept orders"
CANCELLED = ("cancelled", "canceled", "cancel", "void", "voided", "failed")
OCCURRED = {"orders": "ordered_at", "engagement": "occurred_at", "customers": "first_seen_at", "lines": "ordered_at"}
UNREADABLE: dict[pa.DataType, str] = {
    TIME: "not a time such as 2025-10-01 or 2025-10-01T12:30:00+01:00",
    MONEY: "not an amount such as 1234.50",
    pa.float64(): "not a number",
    pa.bool_(): "not true or false",
}


@dataclass(frozen=True)
class Rule:
    """Refuse the row when `condition` holds."""

    column: str
    reason: str
    condition: str


def rules(
    table: str, schema: pa.Schema, present: Sequence[str], end: str | None, first: Sequence[Rule] = ()
) -> list[Rule]:
    """All rules of a table with these raw columns; `end` is the first instant after the export, `first` go before."""
    return [
        *first,
        *_customer_first(schema),
        *_blank(table, present),
        *_unreadable(schema, present),
        *_implausible(table, end),
        *_of_table(table, present),
    ]


def _customer_first(schema: pa.Schema) -> list[Rule]:
    known = "customer_id" in schema.names
    return [Rule("customer_id", NO_CUSTOMER, "customer_id IS NULL")] if known else []


def _blank(table: str, present: Sequence[str]) -> list[Rule]:
    needed = REQUIRED.get(table, ())
    return [Rule(name, f"blank {name}", f"{name}__raw IS NULL") for name in needed if name in present]


def _unreadable(schema: pa.Schema, present: Sequence[str]) -> list[Rule]:
    return [
        Rule(field.name, UNREADABLE[field.type], f"{field.name} IS NULL AND {field.name}__raw IS NOT NULL")
        for field in schema
        if field.type in UNREADABLE and field.name in present
    ]


def _implausible(table: str, end: str | None) -> list[Rule]:
    if table not in OCCURRED:
        return []
    column = OCCURRED[table]
    year = f"year({column}) NOT BETWEEN {FIRST_YEAR} AND {LAST_YEAR}"
    found = [Rule(column, f"year before {FIRST_YEAR} or after {LAST_YEAR}", year)]
    # An export cannot hold what happened, or became known, after it was made.
    times = [column] if table == "customers" else [column, "known_at"]
    limit = [] if end is None else [Rule(time, AFTER_END, f"{time} >= TIMESTAMPTZ {literal(end)}") for time in times]
    return [*found, *limit]


def _of_table(table: str, present: Sequence[str]) -> list[Rule]:
    if table == "orders":
        return [*_marked(present), *_worthless()]
    if table == "engagement":
        return _engagement()
    return []


def _worthless() -> list[Rule]:
    return [
        Rule("revenue", "negative revenue; a refund is an engagement event of its own time", "revenue < 0"),
        Rule("revenue", "zero-value order", "revenue = 0"),
    ]


def _marked(present: Sequence[str]) -> list[Rule]:
    found = []
    if "status" in present:
        names = ", ".join(literal(name) for name in CANCELLED)
        found.append(Rule("status", "cancelled order", f"lower(status__raw) IN ({names})"))
        found.append(Rule("status", "test order", "lower(status__raw) = 'test'"))
    if "is_test" in present:
        found.append(Rule("is_test", "test order", "lower(is_test__raw) IN ('true', 't', 'yes', 'y', '1')"))
    return found


def _engagement() -> list[Rule]:
    kinds = ", ".join(literal(kind) for kind in ENGAGEMENT_KINDS)
    return [
        Rule("kind", "unknown kind", f"kind NOT IN ({kinds})"),
        Rule("value", "a refund needs an amount", "kind = 'refund' AND value IS NULL"),
        Rule("value", "negative refund; give the amount as positive money", "kind = 'refund' AND value < 0"),
        Rule("value", "a review needs 1 to 5", "kind = 'review' AND coalesce(value NOT BETWEEN 1 AND 5, true)"),
        Rule("value", "an NPS answer needs 0 to 10", "kind = 'nps' AND coalesce(value NOT BETWEEN 0 AND 10, true)"),
    ]


def wrong_zone(zones: Sequence[str]) -> Rule:
    """A customer's time zone that nobody knows; without it quiet hours cannot be kept."""
    listed = ", ".join(literal(zone) for zone in zones)
    return Rule("timezone", "unknown time zone", f"timezone IN ({listed})")


LINES = pa.schema(
    [
        *(SCHEMAS["order_items"].field(name) for name in ("order_id", "product_id", "category")),
        pa.field("description", pa.string()),
        pa.field("quantity", MONEY),  # exact, so that sums do not depend on their order
        pa.field("unit_price", MONEY),
        *(SCHEMAS["orders"].field(name) for name in ("customer_id", "ordered_at", "known_at", "discount")),
        *(SCHEMAS["orders"].field(name) for name in ("currency", "channel")),
        pa.field("country", pa.string()),
        pa.field("sheet", pa.int64()),
    ]
)
