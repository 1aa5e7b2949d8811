"""Features and facts of customers whose events come with the request; the same engine as every night.

Times are int64 µs UTC; money and values go through as the floats that came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.asof import Settings, snapshot
from features.log import EventLog
from features.reading import log_from_records
from serving.history import HISTORY_KINDS, Events
from serving.problems import Problem
from serving.requests import Customer, Engagement, Order, OrderItem, instant_of, iso, microseconds

Floats = NDArray[np.float64]
Record = dict[str, object]


def refuse_unusable(customer: Customer, place: int, as_of_us: int, absent: frozenset[str]) -> Problem | None:
    """The problem of a customer's events, if they have one: not before the instant, or without what the model needs."""
    where, as_of = f"customers[{place}]", instant_of(as_of_us)
    for rows in ("orders", "engagement"):
        for number, row in enumerate(getattr(customer, rows) or []):
            if _known(row) >= as_of:
                field = f"{where}.{rows}[{number}]"
                return Problem("future-event", f"{field} became known at or after as_of, {iso(as_of_us)}.", field)
    if "revenue" not in absent:
        for number, order in enumerate(customer.orders or []):
            if order.revenue is None:
                field = f"{where}.orders[{number}].revenue"
                return Problem("missing-value", f"{field} is missing; the model was trained on revenue.", field)
    return None


def feature_rows(
    customers: Sequence[Customer], as_of_us: int, settings: Settings, columns: Sequence[str]
) -> dict[str, Floats]:
    """One row of the columns for each customer the model speaks of: an order before the instant, recently enough."""
    orders = [_order(order, one, place) for place, one in enumerate(customers) for order in one.orders or []]
    events = [_event(event, one.customer_id) for one in customers for event in one.engagement or []]
    items = [_item(item, place) for place, one in enumerate(customers) for item in one.order_items or []]
    return rows_at(log_from_records(orders, events, items), as_of_us, settings, columns)


def rows_at(log: EventLog, as_of_us: int, settings: Settings, columns: Sequence[str]) -> dict[str, Floats]:
    """One row of the columns for each customer of a log that the model speaks of at the instant."""
    found = snapshot(log, [as_of_us], settings)
    place_of = {name: place for place, name in enumerate(found.columns)}
    values = found.values[:, [place_of[name] for name in columns]]
    return dict(zip(found.customer_ids, values, strict=True))


def given_row(features: Mapping[str, float | None], place: int, columns: Sequence[str]) -> Floats | Problem:
    """The row of features that came by name; the Problem of the first that is missing or unknown."""
    where = f"customers[{place}].features"
    try:
        row = np.array([features[name] for name in columns], dtype=np.float64)
    except KeyError as error:
        field = f"{where}.{error.args[0]}"
        return Problem("missing-value", f"{field} is missing; send every column of the model, null if empty.", field)
    if len(features) > len(columns):
        field = f"{where}.{min(features.keys() - set(columns))}"
        return Problem("invalid", f"{field} is not a column of the model.", field)
    return row


def events_of(customers: Sequence[Customer]) -> Events:
    """The events that the gates look at."""
    rows = [
        (place, microseconds(_known(event)), event.kind, event.subject)
        for place, customer in enumerate(customers)
        for event in customer.engagement or []
        if event.kind in HISTORY_KINDS and not event.is_machine
    ]
    return Events.of(rows)


def _known(row: Order | Engagement) -> datetime:
    return row.known_at or (row.ordered_at if isinstance(row, Order) else row.occurred_at)


def _order(order: Order, customer: Customer, place: int) -> Record:
    return {
        "order_id": own_order(order.order_id, place),
        "customer_id": customer.customer_id,
        "known_at": microseconds(order.known_at or order.ordered_at),
        "revenue": order.revenue,
        "discount": order.discount,
        "units": order.units,
    }


def _event(event: Engagement, customer_id: str) -> Record:
    return {
        "customer_id": customer_id,
        "known_at": microseconds(event.known_at or event.occurred_at),
        "kind": event.kind,
        "value": event.value,
        "is_machine": event.is_machine,
    }


def _item(item: OrderItem, place: int) -> Record:
    return {"order_id": own_order(item.order_id, place), "product_id": item.product_id, "category": item.category}


def own_order(order_id: object, place: int) -> str:
    """An order's id within a log of several customers: two of them may use the same id without sharing the order."""
    return f"{place}/{order_id}"
