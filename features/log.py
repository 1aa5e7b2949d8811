"""The event log: every fact about some customers, sorted by kind, customer and time.

Times are int64 microseconds since 1970 UTC, the moment the shop could first know the fact (`known_at`). Money and other
values are int64 ten-thousandths, so that running totals are exact and a block of one customer equals any batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.kinds import KINDS, ORDER

Ints = NDArray[np.int64]
SCALE = 10_000
LOG_SCALE = 1_000
DAY_US = 86_400_000_000
OCCASION = "occasion"
MONEY_FIELDS = ("revenue", "discount", "units")


@dataclass(frozen=True)
class Facts:
    """Events of one kind, sorted by customer and time; `fields` are aligned with `time`."""

    customer: Ints
    time: Ints
    fields: Mapping[str, Ints] = field(default_factory=dict)

    @cached_property
    def totals(self) -> dict[str, Ints]:
        """Running totals per field, one longer than the events: `total[b] - total[a]` sums events a..b-1."""
        return {name: np.concatenate(([0], np.cumsum(values))) for name, values in self.fields.items()}

    @cached_property
    def starts_customer(self) -> NDArray[np.bool_]:
        """True at each customer's first event."""
        starts: NDArray[np.bool_] = np.diff(self.customer, prepend=-1) != 0
        return starts


@dataclass(frozen=True)
class EventLog:
    """The full history of `customer_ids`; `facts` maps each kind to its events (customer = index into the ids)."""

    customer_ids: tuple[str, ...]
    facts: Mapping[str, Facts]

    def of(self, kind: str) -> Facts:
        """Events of one kind; empty when none ever happened."""
        return self.facts.get(kind, _NO_FACTS)

    @cached_property
    def span(self) -> tuple[int, int]:
        """First and last event time in microseconds; (0, 0) for an empty log."""
        times = [facts.time for facts in self.facts.values() if len(facts.time)]
        if not times:
            return 0, 0
        return min(int(t.min()) for t in times), max(int(t.max()) for t in times)


_EMPTY = np.zeros(0, dtype=np.int64)
_NO_FACTS = Facts(_EMPTY, _EMPTY, {"value": _EMPTY})

Columns = Mapping[str, Ints]


def build_log(customer_ids: Sequence[str], orders: Columns, engagement: Columns, items: Columns) -> EventLog:
    """Sort facts into a log.

    orders: `customer` (index into customer_ids), `time`, `revenue`, `discount`, `units`; one row per order.
    engagement: `customer`, `time`, `kind` (index into KINDS), `value`; no machine events.
    items: `order` (row of `orders`), `product`, `category` (any integer code), `quantity`.
    All int64; money, values and quantities in ten-thousandths.
    """
    novelty = _novelty(orders, items)
    ordered = _sorted_facts({**orders, **novelty})
    facts = {ORDER: _with_value_shape(ordered), OCCASION: _occasions(ordered)}
    for code, events in _by_kind(engagement):
        facts[KINDS[code]] = _sorted_facts(events)
    return EventLog(tuple(customer_ids), facts)


def log_from_records(
    orders: Sequence[Mapping[str, object]],
    engagement: Sequence[Mapping[str, object]],
    order_items: Sequence[Mapping[str, object]] = (),
) -> EventLog:
    """A log from rows with canonical column names; times are integer microseconds UTC, money anything `float` takes.

    `known_at` defaults to when the fact happened; rows with a true `is_machine` are left out.
    """
    human = [row for row in engagement if not row.get("is_machine")]
    ids = sorted({str(row["customer_id"]) for row in (*orders, *human)})
    index = {customer: position for position, customer in enumerate(ids)}
    order_row = {str(row.get("order_id")): position for position, row in enumerate(orders)}
    items = [row for row in order_items if str(row["order_id"]) in order_row]
    return build_log(
        ids,
        {
            "customer": _ints(index[str(row["customer_id"])] for row in orders),
            "time": _ints(_known(row, "ordered_at") for row in orders),
            **{name: _ints(ten_thousandths(row.get(name)) for row in orders) for name in MONEY_FIELDS},
        },
        {
            "customer": _ints(index[str(row["customer_id"])] for row in human),
            "time": _ints(_known(row, "occurred_at") for row in human),
            "kind": _ints(_KIND_CODE[str(row["kind"])] for row in human),
            "value": _ints(ten_thousandths(row.get("value")) for row in human),
        },
        {
            "order": _ints(order_row[str(row["order_id"])] for row in items),
            "product": _codes([str(row["product_id"]) for row in items]),
            "category": _codes([str(row.get("category")) for row in items]),
            "quantity": _ints(ten_thousandths(row.get("quantity")) for row in items),
        },
    )


def ten_thousandths(value: object) -> int:
    """A number, decimal or text as a whole count of ten-thousandths; None counts as 0."""
    return 0 if value is None else round(float(str(value)) * SCALE)


_KIND_CODE = {kind: code for code, kind in enumerate(KINDS)}


def _ints(values: object) -> Ints:
    return np.fromiter(values, dtype=np.int64)  # type: ignore[call-overload, no-any-return]


def _codes(names: list[str]) -> Ints:
    seen = {name: code for code, name in enumerate(sorted(set(names)))}
    return _ints(seen[name] for name in names)


def _known(row: Mapping[str, object], happened: str) -> int:
    known = row.get("known_at")
    return int(str(row[happened] if known is None else known))


def _by_kind(engagement: Columns) -> Iterator[tuple[int, Columns]]:
    # Sorting bytes is a radix sort: one pass over the events, however many kinds there are.
    kinds = engagement["kind"].astype(np.uint8)
    order = np.argsort(kinds, kind="stable")
    codes, starts = np.unique(kinds[order], return_index=True)
    for code, start, end in zip(codes.tolist(), starts, np.append(starts, len(order))[1:], strict=True):
        chosen = order[start:end]
        yield code, {name: engagement[name][chosen] for name in ("customer", "time", "value")}


def _sorted_facts(columns: Columns) -> Facts:
    order = _order(columns)
    arrays = {name: values[order].astype(np.int64, copy=False) for name, values in columns.items()}
    fields = {name: values for name, values in arrays.items() if name not in ("customer", "time")}
    return Facts(arrays["customer"], arrays["time"], fields)


def _order(columns: Columns) -> Ints:
    """By customer and time; ties by the values themselves, so that the order of input rows changes nothing."""
    customer, time = columns["customer"], columns["time"]
    ties = [values for name, values in columns.items() if name not in ("customer", "time")][::-1]
    if not len(time):
        return np.zeros(0, dtype=np.int64)
    first = int(time.min())
    stride = int(time.max()) - first + 1
    if (int(customer.max()) + 1) * stride > np.iinfo(np.int64).max:
        return np.lexsort((*ties, time, customer))
    # One integer key sorts several times faster than two; only equal keys are then looked at again.
    key = customer * stride + (time - first)
    order = np.argsort(key)
    equal = np.diff(key[order]) == 0
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    among = order[tied]
    order[tied] = among[np.lexsort((*(values[among] for values in ties), key[among]))]
    return order


def _with_value_shape(orders: Facts) -> Facts:
    revenue = orders.fields["revenue"]
    logs = np.rint(np.log(np.maximum(revenue, 1) / SCALE) * LOG_SCALE).astype(np.int64)
    discounted = (orders.fields["discount"] > 0).astype(np.int64)
    derived = {"log_revenue": logs, "log_revenue_squared": logs * logs, "discounted": discounted}
    return Facts(orders.customer, orders.time, {**orders.fields, **derived})


def _occasions(orders: Facts) -> Facts:
    """Distinct shopping days (UTC): the first order of each, with the gap in whole days since the one before."""
    day = orders.time // DAY_US
    first = orders.starts_customer | (np.diff(day, prepend=0) != 0)
    customer, day = orders.customer[first], day[first]
    again = np.diff(customer, prepend=-1) == 0
    gap = np.where(again, np.diff(day, prepend=0), 0)
    return Facts(customer, orders.time[first], {"gap": gap, "gap_squared": gap * gap, "again": again.astype(np.int64)})


def _novelty(orders: Columns, items: Columns) -> dict[str, Ints]:
    """Per order: how many products and categories it holds, and how many of the products are the customer's first."""
    count, order = len(orders["customer"]), items["order"]
    if not len(order):
        return {name: np.zeros(count, dtype=np.int64) for name in ("products", "new_products", "categories")}
    product, category = items["product"], items["category"]
    customer, time = orders["customer"][order], orders["time"][order]
    return {
        "products": _firsts(order, (order, product), (), count),
        "new_products": _firsts(order, (customer, product), (order, time), count),
        "categories": _firsts(order, (order, category), (), count),
    }


def _firsts(order: Ints, group: tuple[Ints, ...], within: tuple[Ints, ...], count: int) -> Ints:
    """For each order, how many groups have their first item in it."""
    rank = np.lexsort((*within, *reversed(group)))
    changes = np.zeros(len(rank), dtype=bool)
    changes[:1] = True
    for key in group:
        changes[1:] |= np.diff(key[rank]) != 0
    return np.bincount(order[rank[changes]], minlength=count).astype(np.int64)
