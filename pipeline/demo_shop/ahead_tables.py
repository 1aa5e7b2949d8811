"""A month after t0 as canonical tables: what the shop's exports would add, without the mess of those before t0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.tables import SCHEMAS
from pipeline.demo_shop import tables
from pipeline.demo_shop.ahead import Month
from pipeline.demo_shop.ahead_people import FAR, MONTH_DAYS, Everybody, Sent
from pipeline.demo_shop.baskets import Baskets
from pipeline.demo_shop.habits import Floats, Ints
from pipeline.demo_shop.mess import COMPLETED, EventRows, OrderRows
from pipeline.demo_shop.people import People

FIRST_EVENT, EVENTS_PER_MONTH = 90_000_000_000, 100_000_000


@dataclass(frozen=True)
class _Export:
    number: int
    people: People
    baskets: Baskets


def month_tables(everybody: Everybody, month: Month) -> dict[str, pa.Table]:
    """Orders, items and events of the month, and its newcomers; every row was known when it happened."""
    export = _Export(month.number, everybody.people, month.baskets)
    orders, count = _order_rows(month), len(month.events)
    numbers = FIRST_EVENT + month.number * EVENTS_PER_MONTH + np.arange(count)
    events = EventRows(month.events, numbers, month.events.day, np.zeros(count, dtype=bool))
    raw = {
        "orders": tables.orders_table(orders, export),
        "order_items": tables.order_items_table(orders, export),
        "engagement": tables.engagement_table(events, export),
    }
    return {name: _canonical(table, name) for name, table in raw.items()} | {"customers": newcomers(everybody, month)}


def newcomers(everybody: Everybody, month: Month) -> pa.Table:
    """The customers table of those whose first order falls into the month."""
    who = everybody.newcomers(month.number)
    people = People(**{name: column[who] for name, column in vars(everybody.people).items()})
    told = tables.customers_table(np.random.default_rng([FAR, month.number]), _Export(0, people, month.baskets))
    return _canonical(told.slice(0, len(who)), "customers")


def touches_table(everybody: Everybody, sent: Sent, action: np.ndarray, propensity: Floats) -> pa.Table:
    """Touches as engagement events, where no dispatcher has told them; `action` is the name of each."""
    ids = customer_ids(everybody)[sent.person]
    micros = pa.array(np.floor(sent.at * 86_400).astype(np.int64) * 1_000_000)
    names = [f"t-{who}-{at}" for who, at in zip(ids, micros.to_pylist(), strict=True)]
    subjects = [f"{name}:{touch}" for name, touch in zip(action.tolist(), names, strict=True)]
    moments = micros.cast(SCHEMAS["engagement"].field("occurred_at").type)
    columns = {
        "event_id": pa.array(names, pa.string()),
        "customer_id": pa.array(ids.tolist(), pa.string()),
        "occurred_at": moments,
        "known_at": moments,
        "kind": pa.array(["touch"] * len(sent), pa.string()),
        "value": pc.cast(pc.round(pa.array(propensity, pa.float64()), 4), SCHEMAS["engagement"].field("value").type),
        "subject": pa.array(subjects, pa.string()),
        "is_machine": pa.array(np.zeros(len(sent), dtype=bool)),
    }
    return pa.table(columns, schema=SCHEMAS["engagement"])


def customer_ids(everybody: Everybody) -> np.ndarray:
    """The id of each position, as in every table."""
    return np.array([f"c{number:07d}" for number in everybody.people.number.tolist()], dtype=object)


def month_begin_us(everybody: Everybody, month: int) -> int:
    """When a month begins, counted from 0 at t0; µs UTC."""
    return round((everybody.scene.period.end + month * MONTH_DAYS) * 86_400) * 1_000_000


def _order_rows(month: Month) -> OrderRows:
    count = len(month.person)
    zeros: Ints = np.zeros(count, dtype=np.int64)
    return OrderRows(
        number=month.order_number,
        person=month.person,
        day=month.day,
        known=month.day,
        basket=np.arange(count),
        sign=zeros + 1,
        status=zeros + COMPLETED,
        unreadable=zeros - 1,
        overlap=zeros.astype(bool),
    )


def _canonical(table: pa.Table, name: str) -> pa.Table:
    return pa.table({field.name: table[field.name].cast(field.type) for field in SCHEMAS[name]}, schema=SCHEMAS[name])
