"""What runs on an executor: the rows of one block in, the same block function as everywhere, packed tables out.

The three clean tables travel as one, each row with its table's number, because Spark groups one table at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.asof import Settings
from features.block import Calendar, block_features
from features.errors import RekindleError
from pipeline.event_log import records_of
from pipeline.featurizing.spark_errors import carried
from pipeline.featurizing.tables import current_table, history_table

# Per table: canonical column → the column it travels in.
TRAVELS: dict[str, dict[str, str]] = {
    "orders": {
        "customer_id": "customer_id",
        "order_id": "order_id",
        "known_at": "known_at",
        "revenue": "amount",
        "discount": "discount",
        "units": "number",
    },
    "engagement": {"customer_id": "customer_id", "known_at": "known_at", "kind": "name", "value": "amount"},
    "order_items": {"order_id": "order_id", "product_id": "name", "category": "category", "quantity": "number"},
}
TABLES = tuple(TRAVELS)
# One row per slice of a block's result: Spark moves bytes, and never looks at ninety columns of floats.
PACKED = "block int, today boolean, rows long, payload binary"
ROWS_PER_SLICE = 50_000

Carry = Callable[[tuple[pa.Scalar, ...], Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def carrier(calendar: Calendar, settings: Settings, events_per_block: int) -> Carry:
    """The function for `applyInArrow`, one call per block; its rows are `PACKED`, customers ascending."""

    # PySpark reads the annotations to know that this wants batches and gives batches.
    def carry(key: tuple[pa.Scalar, ...], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        block = key[0].as_py()
        try:
            for part in parts(pa.Table.from_batches(list(batches)), events_per_block):
                made = block_features(records_of(*clean_tables(part)), calendar, settings)
                yield from _packed(block, False, history_table(made))
                yield from _packed(block, True, current_table(made))
        except RekindleError as error:
            raise carried(error) from None

    return carry


def parts(rows: pa.Table, events_per_block: int) -> Iterator[pa.Table]:
    """The block, or runs of its customers in order of their ids when it has more events; people without order left out.

    One customer is never split, whatever he has done.
    """
    ordered = pc.unique(rows.filter(pc.equal(rows["table"], TABLES.index("orders")))["customer_id"])
    rows = rows.filter(pc.is_in(rows["customer_id"], ordered))
    if rows.num_rows <= events_per_block:
        yield from [rows] if rows.num_rows else []
        return
    counted = rows["customer_id"].value_counts()
    order = pc.sort_indices(counted.field("values"))
    customers, counts = counted.field("values").take(order), np.asarray(counted.field("counts").take(order))
    run = (np.cumsum(counts) - counts) // events_per_block
    for first, last in zip(*_bounds(run), strict=True):
        yield rows.filter(pc.is_in(rows["customer_id"], customers.slice(first, last - first)))


def clean_tables(rows: pa.Table) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Orders, engagement and items of these rows, in their canonical names."""
    orders, engagement, items = (_clean(rows, number) for number in range(len(TABLES)))
    return orders, engagement.append_column("is_machine", pa.nulls(engagement.num_rows, pa.bool_())), items


def unpacked(payload: bytes) -> pa.Table:
    """The table of one `payload`."""
    with pa.ipc.open_stream(payload) as stream:
        return stream.read_all()


def _packed(block: int, today: bool, table: pa.Table) -> Iterator[pa.RecordBatch]:
    for first in range(0, table.num_rows, ROWS_PER_SLICE):
        some = table.slice(first, ROWS_PER_SLICE)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, some.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
            stream.write_table(some)
        yield pa.RecordBatch.from_arrays(
            [
                pa.array([block], pa.int32()),
                pa.array([today]),
                pa.array([some.num_rows], pa.int64()),
                pa.array([sink.getvalue().to_pybytes()], pa.binary()),
            ],
            names=["block", "today", "rows", "payload"],
        )


def _clean(rows: pa.Table, number: int) -> pa.Table:
    travels = TRAVELS[TABLES[number]]
    own = rows.filter(pc.equal(rows["table"], number))
    return pa.table({canonical: own[column] for canonical, column in travels.items()})


def _bounds(run: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[list[int], list[int]]:
    starts = np.flatnonzero(np.diff(run, prepend=-1)).tolist()
    return starts, [*starts[1:], len(run)]
