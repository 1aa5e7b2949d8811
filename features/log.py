"""The event log: every fact about some customers, in streams sorted by kind, customer and time.

Times are int64 microseconds since 1970 UTC, the moment the shop could first know the fact (`known_at`). Money and other
values are int64 ten-thousandths, so that running totals are exact and a block of one customer equals any batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

from features.kinds import KINDS, ORDER
from features.sorting import Ints as Ints
from features.sorting import differs, order_of

SCALE = 10_000
LOG_SCALE = 1_000
DAY_US = 86_400_000_000
OCCASION = "occasion"
MONEY_FIELDS = ("revenue", "discount", "units")


@dataclass(frozen=True)
class Stream:
    """Events of the `kinds` that ever happened, by kind, customer and time; `fields` are aligned with `time`.

    The events of `kinds[k]` are those from `bounds[k]` up to `bounds[k + 1]`; `customer` is an index into the ids.
    """

    kinds: tuple[str, ...]
    bounds: tuple[int, ...]
    customer: Ints
    time: Ints
    fields: Mapping[str, Ints] = field(default_factory=dict)

    def part(self, kinds: range) -> slice:
        """Where the events of some neighbouring kinds, by their numbers, stand in the stream."""
        return slice(self.bounds[kinds.start], self.bounds[kinds.stop])

    @property
    def events(self) -> list[int]:
        """How many events there are of each kind."""
        return [end - start for start, end in pairwise(self.bounds)]

    def until(self, field: str, position: Ints) -> Ints:
        """Total of a field over the events before each position; 0 of a field that is not there."""
        total = self.totals.get(field)
        return np.zeros(position.shape, dtype=np.int64) if total is None else total.take(position)

    @cached_property
    def running(self) -> Ints:
        """Running totals, a line for each field, one longer than the events: `[b] - [a]` sums events a..b-1."""
        running = np.zeros((len(self.fields), len(self.time) + 1), dtype=np.int64)
        for line, values in zip(running, self.fields.values(), strict=True):
            np.add.accumulate(values, out=line[1:])
        return running

    @cached_property
    def totals(self) -> dict[str, Ints]:
        """The running totals by field."""
        return dict(zip(self.fields, self.running, strict=True))

    @cached_property
    def span(self) -> tuple[int, int]:
        """First and last event time in microseconds; (0, 0) without events."""
        return (int(self.time.min()), int(self.time.max())) if len(self.time) else (0, 0)


@dataclass(frozen=True)
class EventLog:
    """The full history of `customer_ids`, in streams of events."""

    customer_ids: tuple[str, ...]
    streams: tuple[Stream, ...]

    @cached_property
    def places(self) -> dict[str, tuple[Stream, int]]:
        """Where each kind that ever happened stands: its stream, and its number there."""
        return {kind: (stream, number) for stream in self.streams for number, kind in enumerate(stream.kinds)}

    def of(self, kind: str) -> Stream:
        """The stream that holds a kind; an empty one when it never happened."""
        return self.places[kind][0] if kind in self.places else NEVER

    @cached_property
    def span(self) -> tuple[int, int]:
        """First and last event time in microseconds; (0, 0) for an empty log."""
        spans = [stream.span for stream in self.streams if len(stream.time)]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else (0, 0)


_EMPTY = np.zeros(0, dtype=np.int64)
NEVER = Stream((), (0,), _EMPTY, _EMPTY, dict.fromkeys(("value", *MONEY_FIELDS), _EMPTY))

Columns = Mapping[str, Ints]


def build_log(customer_ids: Sequence[str], orders: Columns, engagement: Columns, items: Columns) -> EventLog:
    """Sort facts into a log.

    orders: `customer` (index into customer_ids), `time`, `revenue`, `discount`, `units`; one row per order.
    engagement: `customer`, `time`, `kind` (index into KINDS), `value`; no machine events.
    items: `order` (row of `orders`), `product`, `category` (any integer code), `quantity`.
    All int64; money, values and quantities in ten-thousandths.
    """
    bought = _sorted_stream((ORDER,), {**orders, **_novelty(orders, items)})
    streams = (_with_value_shape(bought), _occasions(bought), engagement_stream(engagement))
    return EventLog(tuple(customer_ids), streams)


def engagement_stream(engagement: Columns, kinds: tuple[str, ...] = KINDS) -> Stream:
    """The stream of events whose `kind` is an index into `kinds`; any other column but customer and time is a field."""
    return _sorted_stream(kinds, engagement)


def _sorted_stream(kinds: tuple[str, ...], columns: Columns) -> Stream:
    """Sort by kind, customer and time; ties by the values, so that the order of input rows changes nothing."""
    names = [name for name in columns if name not in ("kind", "customer", "time")]
    customer, time = columns["customer"], columns["time"]
    kind = columns["kind"].astype(np.uint8) if "kind" in columns else np.zeros(len(time), dtype=np.uint8)
    order = order_of(kind, customer, time, [columns[name] for name in names])
    events = np.bincount(kind, minlength=len(kinds)).tolist()
    kinds = tuple(name for name, count in zip(kinds, events, strict=True) if count)
    bounds = tuple(accumulate(filter(None, events), initial=0))
    if order is None:
        return Stream(kinds, bounds, customer, time, {name: columns[name] for name in names})
    # `take` is several times faster than an index in brackets.
    return Stream(kinds, bounds, customer.take(order), time.take(order), {n: columns[n].take(order) for n in names})


def _with_value_shape(orders: Stream) -> Stream:
    revenue = orders.fields["revenue"]
    logs = np.rint(np.log(np.maximum(revenue, 1) / SCALE) * LOG_SCALE).astype(np.int64)
    discounted = (orders.fields["discount"] > 0).astype(np.int64)
    derived = {"log_revenue": logs, "log_revenue_squared": logs * logs, "discounted": discounted}
    return Stream(orders.kinds, orders.bounds, orders.customer, orders.time, {**orders.fields, **derived})


def _occasions(orders: Stream) -> Stream:
    """Distinct shopping days (UTC): the first order of each, with the gap in whole days since the one before."""
    day, new_customer = orders.time // DAY_US, differs(orders.customer)
    first = new_customer | differs(day)
    day, again = day[first], (~new_customer[first]).astype(np.int64)
    gap = np.zeros(len(day), dtype=np.int64)
    gap[1:] = day[1:] - day[:-1]
    gap *= again
    fields = {"gap": gap, "gap_squared": gap * gap, "again": again}
    kinds, bounds = ((OCCASION,), (0, len(day))) if len(day) else ((), (0,))
    return Stream(kinds, bounds, orders.customer[first], orders.time[first], fields)


def _novelty(orders: Columns, items: Columns) -> dict[str, Ints]:
    """Per order: how many products and categories it holds, and how many of the products are the customer's first."""
    count, order = len(orders["customer"]), items["order"]
    if not len(order):
        return {name: np.zeros(count, dtype=np.int64) for name in ("products", "new_products", "categories")}
    (products, product), (categories, category) = (_numbered(items[name]) for name in ("product", "category"))
    by_time = orders["time"].argsort(kind="stable")
    turn = np.empty(count, dtype=np.int64)
    turn[by_time] = np.arange(count)
    # Customer, product and turn in one number: the smallest of a customer and product is the first purchase.
    bought = (orders["customer"][order] * products + product) * count + turn[order]
    bought.sort()
    new = by_time[bought[differs(bought // count)] % count]
    return {
        "products": _distinct(order * products + product, products, count),
        "new_products": np.bincount(new, minlength=count),
        "categories": _distinct(order * categories + category, categories, count),
    }


def _numbered(codes: Ints) -> tuple[int, Ints]:
    """A small number for each code, and how many numbers there are; small codes stay as they are."""
    if codes.min() >= 0 and codes.max() < len(codes):
        return int(codes.max()) + 1, codes
    different, number = np.unique(codes, return_inverse=True)
    return len(different), number


def _distinct(pair: Ints, things: int, orders: int) -> Ints:
    """How many different things each order holds; a pair is order * things + thing."""
    pair.sort()
    return np.bincount(pair[differs(pair)] // things, minlength=orders)
