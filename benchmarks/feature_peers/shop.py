"""A seeded shop of any size as clean tables, made in slices of time so that memory stays the same however many events.

Written as `check` writes: sorted as the tables say, in its row groups, so that a night only adds to the end of the log.
Two in a hundred rows fall exactly on a midnight, where cutoffs and windows begin and end, so that a way of counting
with the wrong comparison gives other numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.cutoffs import closed_cutoffs
from features.kinds import ENGAGEMENT_KINDS
from features.log import DAY_US
from features.tables import CUSTOMERS, ENGAGEMENT, MONEY, ORDER_ITEMS, ORDERS, SCHEMAS, TIME
from pipeline.checks.outcome import ROWS_PER_BATCH, packing

Ints = NDArray[np.int64]

START_US = 18_993 * DAY_US  # 2022-01-01
HORIZON_DAYS, EVERY_DAYS, CUTOFFS = 90, 30, 12
EVENTS_PER_CUSTOMER, EVENTS_PER_ORDER, ITEMS_PER_ORDER = 100, 20, 2
SLICE_ROWS = 1_000_000
MIDNIGHT_SHARE, MACHINE_SHARE = 0.02, 0.03
NIGHT_SHARE, NEW_SHARE, LATE_SHARE = 0.0015, 0.02, 0.1  # of the log; of the night's rows
KIND_WEIGHTS = (20, 30, 5, 6, 20, 8, 3, 2, 1, 1, 0.3, 0.2, 0.3, 0.3, 0.3, 0.1, 0.1, 0.1, 0.2, 0.1, 0.02, 2)
DIGITS = {"e": 1_000_000_000, "o": 1_000_000_000, "C": 10_000_000, "p": 10_000, "k": 10}
GIANT = "GIANT"


@dataclass(frozen=True)
class Shop:
    """How large a shop is; `giant_share` of all its rows are one customer's; `nights` more days follow the `days`."""

    events: int
    customers: int
    days: int = 730
    giant_share: float = 0.0
    nights: int = 0

    @property
    def as_of_us(self) -> int:
        """The midnight after the last event."""
        return START_US + (self.days + self.nights) * DAY_US

    @property
    def cutoffs_us(self) -> tuple[int, ...]:
        """The last closed monthly cutoffs, on the engine's own grid."""
        return closed_cutoffs(START_US, self.as_of_us, HORIZON_DAYS, EVERY_DAYS)[-CUTOFFS:]

    def a_night_later(self) -> Shop:
        """The same shop with one more day: its tables begin with the very same rows."""
        return replace(self, nights=self.nights + 1)


def usual(events: int) -> Shop:
    """A shop with as many customers as usual for so many events."""
    return Shop(events, max(events // EVENTS_PER_CUSTOMER, 1))


def write_shop(clean: Path, shop: Shop, seed: int = 7) -> dict[str, int]:
    """Write the four clean tables; returns the rows of each."""
    clean.mkdir(parents=True, exist_ok=True)
    orders = shop.events // EVENTS_PER_ORDER
    rows = {"engagement": shop.events, "orders": orders, "order_items": orders, "customers": shop.customers}
    made = {"engagement": _events, "orders": _orders, "order_items": _items, "customers": _people}
    written = {}
    for number, (table, make) in enumerate(made.items()):
        slices = _slices(shop, rows[table], (seed, number))
        written[table] = _write(clean / f"{table}.parquet", SCHEMAS[table], slices, make)
    return written


@dataclass(frozen=True)
class _Slice:
    """A stretch of time and its rows, numbered from `first`; 0 is no night."""

    shop: Shop
    random: np.random.Generator
    first: int
    rows: int
    start_us: int
    end_us: int
    night: int = 0

    def moments(self) -> Ints:
        """When each row became known, ascending."""
        fine = self.random.integers(self.start_us, self.end_us, self.rows)
        midnight = np.maximum(fine // DAY_US * DAY_US, self.start_us)
        return np.sort(np.where(self.chosen(MIDNIGHT_SHARE), midnight, fine))

    def buyers(self) -> pa.Array:
        """Whose each row is; some of a night's rows are of people never seen before."""
        numbers = self.random.integers(0, self.shop.customers, self.rows)
        if self.night:
            new = 1_000_000_000 + self.night * 1_000_000 + self.random.integers(0, 1_000, self.rows)
            numbers = np.where(self.chosen(NEW_SHARE), new, numbers)
        ids = _ids("C", numbers)
        return pc.if_else(pa.array(self.chosen(self.shop.giant_share)), GIANT, ids) if self.shop.giant_share else ids

    def chosen(self, share: float) -> NDArray[np.bool_]:
        """A share of the rows, at random."""
        return self.random.random(self.rows) < share

    def numbers(self) -> Ints:
        """The numbers of the rows, over all slices."""
        return np.arange(self.first, self.first + self.rows)


def _slices(shop: Shop, rows: int, seed: tuple[int, int]) -> Iterator[_Slice]:
    """Equal stretches of the `days`, then one for each night."""
    count, first = -(-rows // SLICE_ROWS), 0
    edges = np.linspace(START_US, START_US + shop.days * DAY_US, count + 1).astype(np.int64).tolist()
    shares = np.diff(np.linspace(0, rows, count + 1).astype(np.int64)).tolist()
    stretches = [(*edge, share, 0) for edge, share in zip(pairwise(edges), shares, strict=True)]
    for night in range(1, shop.nights + 1):
        midnight = START_US + (shop.days + night - 1) * DAY_US
        stretches.append((midnight, midnight + DAY_US, round(rows * NIGHT_SHARE), night))
    for number, (start, end, share, night) in enumerate(stretches):
        yield _Slice(shop, np.random.default_rng((*seed, number)), first, share, start, end, night)
        first += share


def _write(path: Path, schema: pa.Schema, slices: Iterator[_Slice], make: Callable[[_Slice], pa.Table]) -> int:
    written, waiting = 0, schema.empty_table()
    with pq.ParquetWriter(path, schema, **packing(schema)) as writer:
        for one in slices:
            waiting = pa.concat_tables([waiting, make(one)])
            full = len(waiting) // ROWS_PER_BATCH * ROWS_PER_BATCH
            writer.write_table(waiting[:full], row_group_size=ROWS_PER_BATCH)
            written, waiting = written + full, waiting[full:].combine_chunks()
        writer.write_table(waiting)
    return written + len(waiting)


def _events(one: _Slice) -> pa.Table:
    known = one.moments()
    late = one.chosen(LATE_SHARE if one.night else 0.0)
    kind = one.random.choice(len(ENGAGEMENT_KINDS), one.rows, p=np.array(KIND_WEIGHTS) / sum(KIND_WEIGHTS))
    columns = {
        "event_id": _ids("e", one.numbers()),
        "customer_id": one.buyers(),
        "occurred_at": _times(known - np.where(late, 30 * DAY_US, 0)),
        "known_at": _times(known),
        "kind": pa.array(ENGAGEMENT_KINDS).take(pa.array(kind)),
        "value": _money(one.random.integers(0, 11, one.rows)),
        "subject": pa.nulls(one.rows, pa.string()),
        "is_machine": pa.array(one.chosen(MACHINE_SHARE)),
    }
    return pa.table(columns, schema=ENGAGEMENT)


def _orders(one: _Slice) -> pa.Table:
    known = _times(one.moments())
    columns = {
        "order_id": _ids("o", one.numbers()),
        "customer_id": one.buyers(),
        "ordered_at": known,
        "known_at": known,
        "revenue": _money(one.random.integers(5, 200, one.rows)),
        "discount": _money(np.maximum(one.random.integers(-20, 20, one.rows), 0)),
        "units": one.random.integers(1, 9, one.rows).astype(float),
        "currency": pa.array(["EUR"] * one.rows),
        "channel": pa.nulls(one.rows, pa.string()),
    }
    return pa.table(columns, schema=ORDERS)


def _items(one: _Slice) -> pa.Table:
    order = np.repeat(one.numbers(), ITEMS_PER_ORDER)
    product = np.sort(one.random.integers(0, 5_000, (one.rows, ITEMS_PER_ORDER))).reshape(-1)
    columns = {
        "order_id": _ids("o", order),
        "product_id": _ids("p", product),
        "category": _ids("k", product % 40),
        "quantity": np.ones(len(order)),
        "unit_price": _money(one.random.integers(1, 90, len(order))),
    }
    return pa.table(columns, schema=ORDER_ITEMS)


def _people(one: _Slice) -> pa.Table:
    nothing = {name: pa.nulls(one.rows, CUSTOMERS.field(name).type) for name in CUSTOMERS.names[1:]}
    return pa.table({"customer_id": _ids("C", one.numbers()), **nothing}, schema=CUSTOMERS)


def _ids(letter: str, numbers: Ints) -> pa.Array:
    # As many digits in all, so that their order as text is that of the numbers.
    return pc.binary_join_element_wise(letter, pa.array(numbers + DIGITS[letter]).cast(pa.string()), "")


def _times(moments_us: Ints) -> pa.Array:
    return pa.array(moments_us).cast(TIME)


def _money(whole: Ints) -> pa.Array:
    return pa.array(whole).cast(pa.decimal128(23, 4)).cast(MONEY)
