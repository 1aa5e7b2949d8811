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
from features.tables import ENGAGEMENT, MONEY, ORDER_ITEMS, ORDERS, TIME

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
        people = people_of(shop)
        own = dict(zip(*(shop.orders[name].to_pylist() for name in ("customer_id", "order_id")), strict=True))
        orders = [_order(name, place, at) for place, at in enumerate(moments) for name in own]
        events = [
            _event(name, own[name], kind, place, at)
            for place, at in enumerate(moments)
            for name in own
            for kind in ENGAGEMENT_KINDS
        ]
        products = ["made up", *pc.unique(shop.order_items["product_id"]).to_pylist()[:1]]
        items = [_item(str(order["order_id"]), product) for order in orders for product in products]
        return cls(people, _table(orders, ORDERS), _table(events, ENGAGEMENT), _table(items, ORDER_ITEMS))

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
            table = table.set_column(place, name, pa.array(new).take(pc.index_in(table[name], people)))
        elif name in ("order_id", "product_id", "subject"):
            table = table.set_column(place, name, pc.utf8_reverse(table[name]))
    return table


def _own(cutoffs_us: Ints, table: pa.Table, people: pa.Array) -> pa.ChunkedArray:
    """The cutoff of each row's customer; null for people who never ordered."""
    return pa.array(cutoffs_us).take(pc.index_in(table["customer_id"], people))


def _order(customer: str, place: int, at: Moment) -> dict[str, object]:
    money = {"revenue": 1234.5, "discount": 67.0, "units": 3.0}
    name = {"order_id": f"made up {place} {customer}", "customer_id": customer}
    return {**name, "ordered_at": at[0], "known_at": at[1], **money}


def _event(customer: str, own_order: str, kind: str, place: int, at: Moment) -> dict[str, object]:
    name = {"event_id": f"made up {place} {kind} {customer}", "customer_id": customer, "kind": kind}
    return {**name, "occurred_at": at[0], "known_at": at[1], "value": 5.0, "subject": own_order}


def _item(order_id: str, product_id: str) -> dict[str, object]:
    return {"order_id": order_id, "product_id": product_id, "category": "made up", "quantity": 2.0, "unit_price": 1.0}


def _table(rows: list[dict[str, object]], schema: pa.Schema) -> pa.Table:
    """Rows under a schema's names; times are still whole numbers, money still floats."""
    meanwhile = {TIME: pa.int64(), MONEY: pa.float64()}
    fields = [(field.name, meanwhile.get(field.type, field.type)) for field in schema]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def _together(table: pa.Table, more: pa.Table) -> pa.Table:
    return pa.concat_tables([table, more.select(table.column_names).cast(table.schema)])
