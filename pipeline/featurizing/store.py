"""The event log on disk, cut into blocks of customers: memory is bounded by a block, a night's work by the new rows.

`data/clean/engagement.parquet` grows at its end (it is sorted by when a row was known), so yesterday's rows are
recognised and only what follows is read, appended to its customers' blocks, and merged when a block is next loaded.
Anything else - an older row changed, another number of blocks - empties the store. It may be deleted at any time, and a
run that dies leaves it without `state.json`, which counts as deleted: it is a cache, never a result.
"""

# ruff: noqa: S608  paths are quoted literals, the rest is ours
from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.errors import DataError
from features.kinds import KINDS
from features.log import MONEY_FIELDS, Ints
from features.records import Records
from features.sorting import differs
from pipeline.featurizing.by_customer import ByCustomer
from pipeline.featurizing.clean_again import clean_tables
from pipeline.featurizing.known_rows import Seen, seen
from pipeline.featurizing.numbering import Numbering
from pipeline.featurizing.reading import EVERYTHING, Engagement, Events, Slice, Wanted
from pipeline.featurizing.rows_on_disk import (
    BARE_EVENT,
    EVENT,
    ITEM,
    ORDER,
    append_by_block,
    file_of,
    read_rows,
    unpacked,
)
from pipeline.featurizing.texts import Ints32, TextTable
from pipeline.featurizing.threads import in_order
from pipeline.sources.raw import literal

FORMAT = 5
BATCH_ROWS = 1_000_000
Frozen = TypeVar("Frozen")
MERGE_SHARE = 8  # a tail longer than an eighth of the sorted rows is merged into them for good
GROWING = ("orders", "engagement")
ORDER_COLUMNS = ["order_id", "customer_id", "known_at", *MONEY_FIELDS]


@dataclass
class State:
    """What the store holds between runs.

    `wanted` is what it was asked to keep, `seen` tells the rows read of each table that grows at its end, `items` the
    digest of the order items, `kinds` the rows of each kind, `sizes` the bytes of each file.
    """

    format: int
    blocks: int
    wanted: Wanted
    seen: dict[str, Seen] = field(default_factory=lambda: dict.fromkeys(GROWING, Seen()))
    items: int = 0
    kinds: list[int] = field(default_factory=lambda: [0] * len(KINDS))
    last_event_us: int | None = None
    sizes: dict[str, int] = field(default_factory=dict)


class Store:
    """The blocks of one shop under `home`: `update` brings them up to the clean tables, `save` makes that count.

    `wanted` says of what its features read nothing else.
    """

    def __init__(
        self,
        home: Path,
        clean: Path,
        blocks: int,
        connection: duckdb.DuckDBPyConnection,
        wanted: Wanted = EVERYTHING,
    ) -> None:
        self.home, self.clean, self.blocks, self.wanted = home, clean, blocks, wanted
        self._events, self._orders, self._items = (home / name for name in ("engagement", "orders", "order_items"))
        self._event = EVENT if wanted.values else BARE_EVENT
        self._connection = connection
        self._engagement = Engagement(self._path("engagement"), wanted)
        columns = {"orders": ORDER_COLUMNS, "engagement": self._engagement.columns}
        self._now = {table: seen(self._path(table), columns[table], connection) for table in GROWING}
        self.first_new_us: int | None = None  # the earliest fact that was not here before
        self.state = self._opened()
        self.numbering = Numbering(blocks, home / "customers.parquet")

    def update(self) -> None:
        """Read what is new into the blocks."""
        orders = self._new("orders", self.state.seen["orders"].rows)
        with ThreadPoolExecutor(1) as beside:  # orders need one core, and only at times two
            customers = beside.submit(self._numbered, orders)
            bought = beside.submit(self._take_bought, orders)
            read = partial(_found, self._engagement, customers)
            for events, found in in_order(read, self._engagement.slices(self.state.seen["engagement"].rows)):
                self._take_events(events, found)
            self._note_first(bought.result())
        self.state.seen = self._now
        self.numbering.save()

    def save(self) -> None:
        """From now on what is on disk is yesterday's log."""
        self.state.sizes = self._sizes()
        (self.home / "state.tmp").write_text(json.dumps(asdict(self.state)))
        (self.home / "state.tmp").replace(self.home / "state.json")

    def records(self, block: int) -> Records:
        """Everything that the customers of a block did who ever ordered."""
        customers, orders = self.numbering.customers(block), unpacked(read_rows(self._orders, block, ORDER))
        items = unpacked(read_rows(self._items, block, ITEM))
        buyer = np.zeros(len(customers), dtype=bool)
        buyer[orders["customer"]] = True
        number = np.where(buyer, np.cumsum(buyer) - 1, -1)
        return Records(
            tuple(customer for customer, bought in zip(customers, buyer.tolist(), strict=True) if bought),
            {name: orders[name] for name in orders if name != "order"} | {"customer": number[orders["customer"]]},
            self._by_customer(block).numbered(number),
            {**items, "order": _owners(orders["order"], items["order"])},
        )

    def _by_customer(self, block: int) -> ByCustomer:
        new = read_rows(self._events, block, self._event)
        before = ByCustomer.read(self._events, block, self._event)
        whole = before.then(new)
        if len(new) * MERGE_SHARE > len(before):
            whole.write(self._events, block)
            file_of(self._events, block).unlink()
        return whole

    def sample(self, customers: int) -> tuple[pa.Table, pa.Table, pa.Table]:
        """Clean orders, engagement and items of a few customers who ordered, their known times only."""
        left, tables = customers, list[tuple[pa.Table, pa.Table, pa.Table]]()
        for block in range(self.blocks):
            ids = self.numbering.customers(block)
            orders, items = (
                unpacked(read_rows(folder, block, kind))
                for folder, kind in ((self._orders, ORDER), (self._items, ITEM))
            )
            # By their ids: numbers depend on who was met first.
            chosen = sorted(np.unique(orders["customer"]).tolist(), key=ids.__getitem__)[:left]
            number = np.full(len(ids), -1)
            number[chosen] = np.arange(len(chosen))
            orders = {**orders, "customer": number[orders["customer"]]}
            events = self._by_customer(block).numbered(number)
            tables.append(clean_tables([ids[number] for number in chosen], orders, events, items))
            left -= len(chosen)
            if not left:
                break
        orders, events, items = (pa.concat_tables(each) for each in zip(*tables, strict=True))
        return orders, events, items

    def _path(self, table: str) -> Path:
        return self.clean / f"{table}.parquet"

    def _table(self, table: str) -> str:
        return f"read_parquet({literal(str(self._path(table)))})"

    def _new(self, table: str, rows: int) -> str:
        path = literal(str(self._path(table)))
        return f"(SELECT * FROM read_parquet({path}, file_row_number = true) WHERE file_row_number >= {rows})"

    def _update_items(self, orders: str) -> None:
        for batch in self._batches(
            f'SELECT block, hash(i.order_id) AS "order", hash(product_id) AS product, '
            f"hash(coalesce(category, '')) AS category FROM {self._table('order_items')} i "
            f"JOIN {orders} o USING (order_id) JOIN numbers USING (customer_id)"
        ):
            self._take(self._items, batch, ITEM)
        self.state.items = self._items_now

    @cached_property
    def _items_now(self) -> int:
        return self._items_digest("")

    def _items_digest(self, among: str) -> int:
        query = f"SELECT sum(hash(order_id, product_id, category)::HUGEINT) FROM {self._table('order_items')} {among}"
        return int(self._connection.sql(query).fetchall()[0][0] or 0)

    def _opened(self) -> State:
        state = _read_state(self.home / "state.json")
        (self.home / "state.json").unlink(missing_ok=True)
        asked = (FORMAT, self.blocks, self.wanted)
        if state is None or (state.format, state.blocks, state.wanted) != asked or not self._goes_on_from(state):
            shutil.rmtree(self.home, ignore_errors=True)
            state = State(*asked)
        for folder in (self._events, self._orders, self._items):
            folder.mkdir(parents=True, exist_ok=True)
        return state

    def _sizes(self) -> dict[str, int]:
        files = [file for folder in (self._events, self._orders, self._items) for file in sorted(folder.glob("*"))]
        return {f"{file.parent.name}/{file.name}": file.stat().st_size for file in files}

    def _goes_on_from(self, state: State) -> bool:
        if state.sizes != self._sizes():  # a block was cut off or lost
            return False
        for table in GROWING:
            if not state.seen[table].is_start_of(self._path(table), self._now[table], self._connection):
                return False
        if not self.wanted.items:
            return True
        of_new = f"SEMI JOIN {self._new('orders', state.seen['orders'].rows)} USING (order_id)"
        return self._items_now - self._items_digest(of_new) == state.items

    def _batches(self, query: str) -> Iterator[pa.RecordBatch]:
        try:
            yield from (batch for batch in self._connection.sql(query).to_arrow_reader(BATCH_ROWS) if batch.num_rows)
        except (duckdb.ConversionException, OSError) as error:  # Arrow passes on as OSError what breaks on the way
            if "Conversion Error" not in str(error):
                raise
            first = str(error).splitlines()[0]
            raise DataError(f"{self.clean} holds what `check` never lets through: {first}. Run it again.") from error

    def _note_first(self, time: NDArray[np.integer]) -> None:
        if len(time):
            first = int(time.min())
            self.first_new_us = first if self.first_new_us is None else min(first, self.first_new_us)

    def _numbered(self, orders: str) -> TextTable:
        self.numbering.add(self._connection, orders)
        return self.numbering.table()

    def _take_bought(self, orders: str) -> Ints:
        """Append orders and items to their blocks; returns when the first order of each batch was known."""
        first = list[int]()
        for batch in self._batches(
            f'SELECT block, number AS customer, epoch_us(known_at) AS time, hash(order_id) AS "order", '
            f"{_exact('revenue')} AS revenue, {_exact('discount')} AS discount, "
            f"round(coalesce(units, 0) * 10000)::BIGINT AS units FROM {orders} JOIN numbers USING (customer_id)"
        ):
            self._take(self._orders, batch, ORDER)
            first.append(int(np.asarray(batch["time"]).min()))
        if self.wanted.items:
            self._update_items(orders)
        return np.array(first, dtype=np.int64)

    def _take_events(self, events: Events, found: Ints32) -> None:
        self.state.kinds = (np.array(self.state.kinds) + events.kinds).tolist()
        if len(found):
            last = int(events.columns["time"].max())
            self.state.last_event_us = max(last, self.state.last_event_us or last)
            self._note_first(events.columns["time"])
            block, customer = self.numbering.of_rows(found, events.ids_of)
            append_by_block(self._events, block, {**events.columns, "customer": customer}, self._event)

    def _take(self, folder: Path, batch: pa.RecordBatch, kind: np.dtype[np.void]) -> None:
        columns = {name: np.asarray(batch[name]).view(_signed(batch[name].type)) for name in kind.names or ()}
        append_by_block(folder, np.asarray(batch["block"]), columns, kind)


def _found(engagement: Engagement, customers: Future[TextTable], part: Slice) -> tuple[Events, Ints32]:
    """The events of a slice and whose they are."""
    events = engagement.read(part)
    return events, customers.result().find(events.customer_ids, events.rows)


def _exact(money: str) -> str:
    return f"(coalesce({money}, 0) * 10000)::BIGINT"


def _signed(kind: pa.DataType) -> np.dtype[np.signedinteger]:
    # DuckDB's hashes are unsigned; only whether they are equal matters.
    return np.dtype(np.int32 if kind == pa.int32() else np.int64)


def _owners(order: Ints, of_item: Ints) -> Ints:
    """For each item the row of its order."""
    by_hash, first = np.argsort(order), differs(of_item)  # the items of an order mostly stand together
    places = np.searchsorted(order.take(by_hash), of_item[first])
    owners: Ints = by_hash.take(places)[np.cumsum(first) - 1]
    return owners


def _read_state(path: Path) -> State | None:
    try:
        tree = json.loads(path.read_text())
        known = {table: _frozen(Seen, one) for table, one in tree["seen"].items()}
        return State(**{**tree, "seen": known, "wanted": _frozen(Wanted, tree["wanted"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def _frozen(kind: Callable[..., Frozen], tree: dict[str, object]) -> Frozen:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in tree.items()})
