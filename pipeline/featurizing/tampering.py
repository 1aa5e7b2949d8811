"""Ways to tempt a feature with the future: clean tables changed so that what was known before a cutoff stays the same.

Facts are made up in the tables, before anything reads them, so that a reader that takes the wrong time is tempted too.
Each customer has a cutoff of their own, in the order of `people`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.kinds import ENGAGEMENT_KINDS
from features.log import DAY_US, Ints
from features.tables import ENGAGEMENT, ORDER_ITEMS, ORDERS, TIME

Moment = tuple[int, int]  # microseconds from the cutoff: when a made-up fact happened, and when it became known
AT_AND_AFTER: tuple[Moment, ...] = ((0, 0), (1, 1), (DAY_US, DAY_US), (30 * DAY_US, 30 * DAY_US))
HAPPENED_BEFORE: tuple[Moment, ...] = ((-1, 0), (-DAY_US, 1), (-30 * DAY_US, DAY_US), (-300 * DAY_US, 30 * DAY_US))
TIMES = ("ordered_at", "occurred_at", "known_at")
SEED = 1


@dataclass(frozen=True)
class ShopTables:
    """Clean tables of some customers, whole histories of theirs."""

    orders: pa.Table
    engagement: pa.Table
    order_items: pa.Table

    def each(self, change: Callable[[pa.Table], pa.Table]) -> ShopTables:
        """The same change made to every table."""
        return ShopTables(change(self.orders), change(self.engagement), change(self.order_items))


@dataclass(frozen=True)
class Intruders:
    """Made-up facts of every customer, in every kind; their times are still microseconds from a cutoff."""

    people: pa.Array
    orders: pa.Table
    engagement: pa.Table
    order_items: pa.Table

    @classmethod
    def among(cls, shop: ShopTables, moments: tuple[Moment, ...]) -> Intruders:
        """For each customer and moment an order of two products, and an event of every kind.

        An event's `subject` is one of the customer's own orders, as that of a cancellation is.
        """
        last = shop.orders.group_by("customer_id").aggregate([("order_id", "max")]).sort_by("customer_id")
        people = last["customer_id"].combine_chunks()
        order = _copies(len(people), len(moments))
        event = _copies(len(people), len(moments), len(ENGAGEMENT_KINDS))
        orders = {
            "order_id": _named("made up", order[1], people.take(order[0])),
            "customer_id": people.take(order[0]),
            "revenue": 1234.5,
            "discount": 67.0,
            "units": 3.0,
        }
        kinds = pa.array(ENGAGEMENT_KINDS).take(event[2])
        events = {
            "event_id": _named("made up", event[1], kinds, people.take(event[0])),
            "customer_id": people.take(event[0]),
            "kind": kinds,
            "subject": last["order_id_max"].combine_chunks().take(event[0]),
            "value": 5.0,
        }
        product = pa.array(["made up", *pc.unique(shop.order_items["product_id"]).to_pylist()[:1]])
        item = _copies(len(order[0]), len(product))
        items = {
            "order_id": orders["order_id"].take(item[0]),
            "product_id": product.take(item[1]),
            "category": "made up",
            "quantity": 2.0,
        }
        return cls(
            people,
            _table(ORDERS, {**orders, **_times("ordered_at", moments, order[1])}),
            _table(ENGAGEMENT, {**events, **_times("occurred_at", moments, event[1])}),
            _table(ORDER_ITEMS, items),
        )

    def join(self, shop: ShopTables, cutoffs_us: Ints) -> ShopTables:
        """The shop with these facts in it, around each customer's cutoff."""
        return ShopTables(
            _together(shop.orders, self._around(self.orders, cutoffs_us)),
            _together(shop.engagement, self._around(self.engagement, cutoffs_us)),
            _together(shop.order_items, self.order_items),
        )

    def _around(self, table: pa.Table, cutoffs_us: Ints) -> pa.Table:
        cutoff = _own(cutoffs_us, table, self.people)
        for place, name in enumerate(table.column_names):
            if name in TIMES:
                table = table.set_column(place, name, pc.add(table[name], cutoff).cast(TIME))
        return table


def people_of(shop: ShopTables) -> pa.Array:
    """Everybody who ordered, in order of their ids."""
    return pc.unique(shop.orders["customer_id"]).sort()


def without_future(shop: ShopTables, people: pa.Array, cutoffs_us: Ints) -> ShopTables:
    """Only what was known before each customer's cutoff; items go with their orders."""

    def known(table: pa.Table) -> pa.Table:
        return table.filter(pc.less(table["known_at"], _own(cutoffs_us, table, people).cast(TIME)))

    return ShopTables(known(shop.orders), known(shop.engagement), shop.order_items)


def shuffled(shop: ShopTables) -> ShopTables:
    """The same rows in another order."""
    random = np.random.default_rng(SEED)
    return shop.each(lambda table: table.take(random.permutation(table.num_rows)))


def renamed(shop: ShopTables) -> tuple[ShopTables, list[str]]:
    """Every customer, order and product under another name; and the new names of `people`, in the opposite order."""
    people = people_of(shop)
    new = [f"{len(people) - place:012d}" for place in range(len(people))]
    return shop.each(lambda table: _renamed(table, people, new)), new


def _renamed(table: pa.Table, people: pa.Array, new: Sequence[str]) -> pa.Table:
    for place, name in enumerate(table.column_names):
        if name == "customer_id":
            other = pa.array(new).take(pc.index_in(table[name], people))  # people who never ordered keep their names
            table = table.set_column(place, name, pc.coalesce(other, table[name]))
        elif name in ("order_id", "product_id", "subject"):
            table = table.set_column(place, name, pc.utf8_reverse(table[name]))
    return table


def _own(cutoffs_us: Ints, table: pa.Table, people: pa.Array) -> pa.ChunkedArray:
    """The cutoff of each row's customer; null for people who never ordered."""
    return pa.array(cutoffs_us).take(pc.index_in(table["customer_id"], people))


def _copies(*counts: int) -> list[pa.Array]:
    """Every combination of numbers below these counts, one array per count."""
    return [pa.array(places.ravel()) for places in np.indices(counts)]


def _named(*parts: str | pa.Array) -> pa.Array:
    texts = [part if isinstance(part, str) else part.cast(pa.string()) for part in parts]
    return pc.binary_join_element_wise(*texts, " ")


def _times(happened: str, moments: tuple[Moment, ...], place: pa.Array) -> dict[str, pa.Array]:
    """When it happened and when it became known, from the cutoff, as whole numbers."""
    both = (pa.array([moment[side] for moment in moments]).take(place) for side in (0, 1))
    return dict(zip((happened, "known_at"), both, strict=True))


def _table(schema: pa.Schema, columns: dict[str, object]) -> pa.Table:
    """Columns under a schema's names, one value standing for all rows; times are still whole numbers."""
    rows = max(len(each) for each in columns.values() if isinstance(each, pa.Array))
    return pa.table({field.name: _filled(columns.get(field.name), field, rows) for field in schema})


def _filled(values: object, field: pa.Field, rows: int) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    return pa.nulls(rows, field.type) if values is None else pa.array([values]).take(pa.array(np.zeros(rows, int)))


def _together(table: pa.Table, more: pa.Table) -> pa.Table:
    return pa.concat_tables([table, more.select(table.column_names).cast(table.schema)])
