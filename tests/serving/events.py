"""Customers of the small run, written as a request that brings their whole history."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def requests_by_events(home: Path, customer_ids: list[str]) -> list[dict[str, object]]:
    """One entry per customer, with every event of the clean tables that was known before the nightly instant."""
    clean = home / "data/clean"
    as_of = pd.read_parquet(home / "data/scores.parquet")["as_of"].iloc[0]
    orders, events = (pd.read_parquet(clean / f"{name}.parquet") for name in ("orders", "engagement"))
    items = pd.read_parquet(clean / "order_items.parquet")
    entries: list[dict[str, object]] = []
    for name in customer_ids:
        mine = orders[(orders["customer_id"] == name) & (orders["known_at"] < as_of)]
        entry = {
            "orders": mine,
            "engagement": events[(events["customer_id"] == name) & (events["known_at"] < as_of)],
            "order_items": items[items["order_id"].isin(mine["order_id"])],
        }
        entries.append({"customer_id": name, **{table: _rows(rows) for table, rows in entry.items()}})
    return entries


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{name: _plain(value) for name, value in row.items() if pd.notna(value)} for row in table.to_dict("records")]


def _plain(value: object) -> object:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, str | bool | int | float):
        return value
    return float(str(value))  # decimals
