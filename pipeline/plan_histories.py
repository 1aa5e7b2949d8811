"""Every scored customer's history for the store, so that the endpoint can add what comes in during the day."""

# ruff: noqa: S608  identifiers and paths are ours
from __future__ import annotations

import tempfile
from collections.abc import Iterator

import duckdb
import pandas as pd
import pyarrow as pa

from pipeline import paths
from serving.history import HISTORY_KINDS
from serving.received import packed

# What the feature engine and the gates read, and the ids by which a received row is known again.
ORDERS = "order_id, known_at := epoch_us(known_at), revenue := CAST(revenue AS DOUBLE), "
ORDERS += "discount := CAST(discount AS DOUBLE), units"
_GATED = "subject := CASE WHEN kind IN ('" + "','".join(HISTORY_KINDS) + "') THEN subject END"
ENGAGEMENT = f"event_id, known_at := epoch_us(known_at), kind, value := CAST(value AS DOUBLE), is_machine, {_GATED}"
ITEMS = "order_id, product_id, category"
_ROWS_PER_CHUNK = 2_000


def read_histories(customer_ids: pd.Series) -> Iterator[bytes]:
    """One cell per id, in the order given; ids must be sorted and each there once."""
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = '{spill}'")
        connection.register("people", pa.table({"customer_id": pa.array(customer_ids, pa.string())}))
        found = connection.execute(_query())
        while rows := found.fetchmany(_ROWS_PER_CHUNK):
            for row in rows:
                yield packed(str(row[0]).encode())


def _query() -> str:
    orders, engagement, items = (paths.CLEAN / f"{name}.parquet" for name in ("orders", "engagement", "order_items"))
    by_id = "GROUP BY customer_id"
    owned = f"(SELECT i.*, customer_id FROM '{items}' AS i JOIN '{orders}' USING (order_id))"
    return (
        "SELECT to_json(struct_pack(orders := coalesce(o, []), engagement := coalesce(e, []), "
        "order_items := coalesce(i, []))) FROM people "
        f"LEFT JOIN ({_listed(ORDERS, 'known_at, order_id')} AS o FROM '{orders}' {by_id}) USING (customer_id) "
        f"LEFT JOIN ({_listed(ENGAGEMENT, 'known_at, event_id')} AS e FROM '{engagement}' {by_id}) USING (customer_id) "
        f"LEFT JOIN ({_listed(ITEMS, 'order_id, product_id, category')} AS i FROM {owned} {by_id}) USING (customer_id) "
        "ORDER BY customer_id"
    )


def _listed(columns: str, order: str) -> str:
    named = ", ".join(part if ":=" in part else f"{part} := {part}" for part in columns.split(", "))
    return f"SELECT customer_id, list(struct_pack({named}) ORDER BY {order})"
