"""Our way to the thirty columns: the engine's own snapshot, block by block on two threads.

Every way goes from the same clean Parquet to a Parquet file with `customer_id`, `cutoff` (microseconds) and the thirty,
one row per customer and cutoff with an order before it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import features
from benchmarks.feature_peers.spec import AGES, COUNTS
from features.asof import Settings, snapshot
from features.records import Records
from features.registry import feature_columns
from features.tables import ORDER_ITEMS
from pipeline.event_log import blocks, records_of

CUSTOMERS_PER_BLOCK = 4096
THREADS = 2
READ = ["customer_id", "known_at", "kind", "value", "is_machine"]


def plain(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """Read, cut into blocks, one snapshot per block, write; returns the rows."""
    settings = the_thirty()
    engagement = pq.read_table(clean / "engagement.parquet", columns=READ)
    records = records_of(pq.read_table(clean / "orders.parquet"), engagement, ORDER_ITEMS.empty_table())

    def table(block: Records) -> pa.Table:
        known = snapshot(block.log(), cutoffs_us, settings)
        values = {name: known.values[:, known.columns.index(name)] for name in (*COUNTS, *AGES)}
        return pa.table({"customer_id": known.customer_ids, "cutoff": known.cutoffs_us, **values})

    with ThreadPoolExecutor(THREADS) as threads:
        made = pa.concat_tables(threads.map(table, blocks(records, CUSTOMERS_PER_BLOCK)))
    pq.write_table(made, result, compression="zstd")
    return int(made.num_rows)


def the_thirty() -> Settings:
    """Settings of a shop whose own features are the thirty, and which leaves the families out, as the peers do."""
    own = str(Path(__file__).with_name("own"))
    if own not in features.__path__:  # the engine takes a shop's own modules from its folder `features` only
        features.__path__.append(own)
    families = feature_columns(Settings(90, None, ()))
    return Settings(90, None, (), extra=("features.thirty",), left_out=frozenset(column.name for column in families))
