"""Which column of a source becomes which canonical one; the same rules for files and databases.

A mapping reads canonical name -> source column. A canonical column that is not mapped is taken from a source column of
its own name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from features.errors import ConfigError, SourceError
from features.tables import SCHEMAS

# Known to `check`, not kept afterwards: they say which orders are no purchases.
ORDER_MARKS = ("status", "is_test")
LINES = (
    "order_id",
    "customer_id",
    "ordered_at",
    "known_at",
    "product_id",
    "description",
    "category",
    "quantity",
    "unit_price",
    "discount",
    "currency",
    "channel",
    "country",
)
LINE_LEVEL = ("product_id", "quantity", "unit_price")
KNOWN: dict[str, tuple[str, ...]] = {
    "orders": (*SCHEMAS["orders"].names, *ORDER_MARKS),
    "order_items": tuple(SCHEMAS["order_items"].names),
    "engagement": tuple(SCHEMAS["engagement"].names),
    "customers": tuple(SCHEMAS["customers"].names),
    "lines": LINES,
}
# Order and event ids can be built, and revenue left out; these cannot.
NEEDED: dict[str, tuple[str, ...]] = {
    "orders": ("customer_id", "ordered_at"),
    "order_items": ("order_id", "product_id", "quantity", "unit_price"),
    "engagement": ("customer_id", "occurred_at", "kind"),
    "customers": ("customer_id",),
    "lines": ("customer_id", "ordered_at", *LINE_LEVEL),
}


def raw_table(table: str, mapping: Mapping[str, str], available: Iterable[str]) -> str:
    """`lines` for an orders table with one row per product, else the table's own name."""
    found = set(mapping) | set(available)
    return "lines" if table == "orders" and found.issuperset(LINE_LEVEL) else table


def chosen_columns(
    table: str, mapping: Mapping[str, str], available: Iterable[str], where: str, key: str
) -> dict[str, str]:
    """Canonical name -> source column, in canonical order; `where` and `key` name source and mapping in errors."""
    columns = list(available)
    known = KNOWN[table] if table != "orders" else tuple(dict.fromkeys((*KNOWN["orders"], *LINES)))
    for name, column in mapping.items():
        if name not in known:
            raise ConfigError(f"{key}.{name}: no such canonical column{_nearest(name, known)}")
        if column not in columns:
            raise SourceError(
                f"{where} has no column {column!r} (mapped in {key}.{name}){_nearest(column, columns)} "
                f"It has: {', '.join(columns)}."
            )
    final = raw_table(table, mapping, columns)
    chosen = {name: mapping.get(name, name) for name in KNOWN[final] if name in mapping or name in columns}
    missing = [name for name in NEEDED[final] if name not in chosen]
    if missing:
        raise SourceError(
            f"{where} has no column for {', '.join(missing)}. It has: {', '.join(columns)}. "
            f"Map it in params.yaml, e.g. {key}: {{{missing[0]}: {columns[0] if columns else 'column'}}}."
        )
    return chosen


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.lower(), [known.lower() for known in names], n=1, cutoff=0.5)
    matches = {known.lower(): known for known in names}
    return f"; did you mean {matches[near[0]]}?" if near else "."
