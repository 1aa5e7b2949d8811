"""Customers of the small run, written as a request that brings their whole history."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def requests_by_events(home: Path, customer_ids: list[str]) -> list[dict[str, object]]:
    """One entry per customer, with every event of the clean tables that was known before the nightly instant."""
    as_of = pd.read_parquet(home / "data/scores.parquet")["as_of"].iloc[0]
    orders, events, items = (
        pd.read_parquet(home / f"data/clean/{name}.parquet") for name in ("orders", "engagement", "order_items")
    )
    orders, events = (
        rows[rows["customer_id"].isin(customer_ids) & (rows["known_at"] < as_of)] for rows in (orders, events)
    )
    owner = orders.set_index("order_id")["customer_id"]
    items = items[items["order_id"].isin(owner.index)]
    tables = {"orders": orders, "engagement": events, "order_items": items}
    owners = {
        "orders": orders["customer_id"],
        "engagement": events["customer_id"],
        "order_items": items["order_id"].map(owner),
    }
    of = {table: dict(list(rows.groupby(owners[table]))) for table, rows in tables.items()}
    return [
        {"customer_id": name, **{table: _rows(of[table].get(name, rows.head(0))) for table, rows in tables.items()}}
        for name in customer_ids
    ]


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{name: _plain(value) for name, value in row.items() if pd.notna(value)} for row in table.to_dict("records")]


def _plain(value: object) -> object:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, str | bool | int | float):
        return value
    return float(str(value))  # decimals
