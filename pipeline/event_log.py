"""Reads the clean tables into the engine's records: NumPy arrays, customers numbered in order of their ids."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import DataError
from features.kinds import INTEREST_KINDS, KINDS, unknown_kind
from features.log import MONEY_FIELDS, SCALE, Columns, Ints
from features.records import Records


def read_records(clean: Path) -> Records:
    """All orders, their items, and the engagement of customers who ever ordered; raises DataError without orders."""
    orders = pq.read_table(clean / "orders.parquet")
    if not orders.num_rows:
        raise DataError(f"{clean / 'orders.parquet'} has no orders; see reports/quality.json for what was refused.")
    return records_of(orders, pq.read_table(clean / "engagement.parquet"), pq.read_table(clean / "order_items.parquet"))


def records_of(orders: pa.Table, engagement: pa.Table, order_items: pa.Table) -> Records:
    """The records of clean tables, whole or of some customers; rows of people who never ordered are left out."""
    ids = pc.unique(orders["customer_id"]).sort()
    return Records(
        tuple(ids.to_pylist()),
        {
            "customer": _places(orders["customer_id"], ids),
            "time": microseconds(orders["known_at"]),
            **{name: ten_thousandths(orders[name]) for name in MONEY_FIELDS},
        },
        _engagement(engagement, ids),
        _items(order_items, orders["order_id"]),
    )


def absent(clean: Path) -> frozenset[str]:
    """What the shop does not have: order columns that are all empty, order items, and kinds that never occur."""
    orders = pq.read_table(clean / "orders.parquet", columns=list(MONEY_FIELDS))
    items = pq.read_metadata(clean / "order_items.parquet").num_rows
    kinds = pc.unique(pq.read_table(clean / "engagement.parquet", columns=["kind"])["kind"]).to_pylist()
    missing = {name for name in MONEY_FIELDS if orders[name].null_count == orders.num_rows}
    missing |= set(KINDS[1:]) - set(kinds)
    missing |= {"order_items"} if not items else set()
    return frozenset(missing | ({"engagement"} if missing >= set(INTEREST_KINDS) else set()))


def blocks(records: Records, customers_per_block: int) -> Iterator[Records]:
    """The records in blocks of whole customers, in order of their numbers."""
    orders, engagement = _by_customer(records.orders), _by_customer(records.engagement)
    place = np.argsort(np.argsort(records.orders["customer"], kind="stable"), kind="stable")
    item_order = place[records.items["order"]]
    by_order = np.argsort(item_order, kind="stable")
    items = {**{name: values[by_order] for name, values in records.items.items()}, "order": item_order[by_order]}
    for first in range(0, len(records.customer_ids), customers_per_block):
        yield _block(records.customer_ids, (orders, engagement, items), first, first + customers_per_block)


def sample(records: Records, customers: int) -> Records:
    """At most this many customers, spread evenly over all, with everything they did."""
    count = len(records.customer_ids)
    chosen = np.unique(np.linspace(0, count - 1, min(customers, count)).astype(np.int64))
    number = np.full(count, -1, dtype=np.int64)
    number[chosen] = np.arange(len(chosen))
    kept = number[records.orders["customer"]] >= 0
    order_number = np.where(kept, np.cumsum(kept) - 1, -1)
    orders = {name: values[kept] for name, values in records.orders.items()}
    engaged = number[records.engagement["customer"]] >= 0
    engagement = {name: values[engaged] for name, values in records.engagement.items()}
    bought = kept[records.items["order"]]
    items = {name: values[bought] for name, values in records.items.items()}
    return Records(
        tuple(records.customer_ids[index] for index in chosen.tolist()),
        {**orders, "customer": number[orders["customer"]]},
        {**engagement, "customer": number[engagement["customer"]]},
        {**items, "order": order_number[items["order"]]},
    )


def _block(ids: tuple[str, ...], parts: tuple[Columns, Columns, Columns], first: int, last: int) -> Records:
    orders, engagement, items = parts
    of_orders, of_engagement = _between(orders["customer"], first, last), _between(engagement["customer"], first, last)
    of_items = _between(items["order"], of_orders.start, of_orders.stop)
    return Records(
        ids[first:last],
        _renumbered(orders, of_orders, "customer", first),
        _renumbered(engagement, of_engagement, "customer", first),
        _renumbered(items, of_items, "order", of_orders.start),
    )


def _between(values: Ints, first: int, last: int) -> slice:
    low, high = np.searchsorted(values, (first, last)).tolist()
    return slice(low, high)


def _renumbered(columns: Columns, chosen: slice, number: str, first: int) -> Columns:
    return {name: values[chosen] - (first if name == number else 0) for name, values in columns.items()}


def _by_customer(columns: Columns) -> Columns:
    order = np.argsort(columns["customer"], kind="stable")
    return {name: values[order] for name, values in columns.items()}


def _engagement(table: pa.Table, ids: pa.Array) -> Columns:
    human = pc.invert(pc.fill_null(table["is_machine"], False))
    table = table.filter(pc.and_(human, pc.is_in(table["customer_id"], ids)))
    return {
        "customer": _places(table["customer_id"], ids),
        "time": microseconds(table["known_at"]),
        "kind": _kinds(table),
        "value": ten_thousandths(table["value"]),
    }


def _kinds(table: pa.Table) -> Ints:
    codes = pc.index_in(table["kind"], pa.array(KINDS))
    if codes.null_count:
        customer, known, kind = (table[name][_first_null(codes)] for name in ("customer_id", "known_at", "kind"))
        raise unknown_kind(kind.as_py(), f"engagement of customer {customer.as_py()!r}, known at {known},")
    return np.asarray(codes).astype(np.int64)


def _first_null(codes: pa.ChunkedArray) -> int:
    first: int = pc.index(pc.is_null(codes), True).as_py()
    return first


def _items(table: pa.Table, order_ids: pa.ChunkedArray) -> Columns:
    known = pa.array(order_ids.combine_chunks())
    table = table.filter(pc.is_in(table["order_id"], known))
    return {
        "order": _places(table["order_id"], known),
        "product": _codes(table["product_id"]),
        "category": _codes(table["category"]),
        "quantity": ten_thousandths(table["quantity"]),
    }


def _places(column: pa.ChunkedArray, values: pa.Array) -> Ints:
    return np.asarray(pc.index_in(column, values)).astype(np.int64)


def _codes(column: pa.ChunkedArray) -> Ints:
    filled = pc.fill_null(column, "")
    return _places(filled, pc.unique(filled).sort())


def microseconds(column: pa.ChunkedArray) -> Ints:
    """Times as microseconds since 1970."""
    times: Ints = np.asarray(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()))
    return times


def ten_thousandths(column: pa.ChunkedArray) -> Ints:
    """Numbers or decimals as whole counts of ten-thousandths; what is empty counts as 0."""
    if not pa.types.is_decimal(column.type):
        counted: Ints = np.rint(np.nan_to_num(np.asarray(column.cast(pa.float64()))) * SCALE).astype(np.int64)
        return counted
    exact = column.cast(pa.decimal128(18, 4))
    exact = (pc.fill_null(exact, Decimal(0)) if exact.null_count else exact).combine_chunks()
    whole = pa.concat_arrays(exact.chunks) if isinstance(exact, pa.ChunkedArray) else exact
    # A decimal128 is two 64-bit halves, low one first; 18 digits fit the low one.
    halves: Ints = np.frombuffer(whole.buffers()[1], dtype=np.int64)[2 * whole.offset :]
    return halves[: 2 * len(whole) : 2].copy() if len(whole) else np.zeros(0, dtype=np.int64)
