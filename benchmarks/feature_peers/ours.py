"""Our way to the thirty columns: the parts of the stage `featurize`, without its label, its proof and today's table.

Every way goes from the same clean Parquet to a Parquet file with `customer_id`, `cutoff` (microseconds) and the thirty,
one row per customer and cutoff with an order before it. All of them read the five kinds that are counted; ours keeps
the log in blocks on disk besides, as the stage does.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import features
from benchmarks.feature_peers.apart import CORES
from benchmarks.feature_peers.spec import AGES, COUNTS, ENGAGEMENT
from features.asof import Settings, snapshot
from features.registry import feature_columns
from pipeline.featurizing.memory import keep_freed_memory
from pipeline.featurizing.output import packing
from pipeline.featurizing.reading import Wanted
from pipeline.featurizing.store import Store
from pipeline.featurizing.tables import ids_of
from pipeline.featurizing.threads import in_order
from pipeline.sources.raw import connect

CUSTOMERS_PER_BLOCK = 4096
LEFT = "log_from_nothing_"
COUNTED = Wanted(ENGAGEMENT, values=False, items=False)  # what every peer reads, and no more


def plain(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """From nothing: the log is put into blocks first, which stay, as they do in the stage; returns the rows."""
    return _written(Path(tempfile.mkdtemp(prefix=LEFT, dir=result.parent)), clean, cutoffs_us, result)


def again(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """With the log in blocks since the last run, as whoever changes a feature has it; the first call puts it there."""
    return _written(result.parent / "log_in_place", clean, cutoffs_us, result)


def _written(home: Path, clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """One snapshot per block on two threads, one file."""
    keep_freed_memory()
    settings, names = the_thirty(), [*COUNTS, *AGES]
    with closing(connect(threads=CORES)) as connection:
        connection.execute("SET preserve_insertion_order = false; SET enable_progress_bar = false")
        buyers = f"SELECT count(DISTINCT customer_id) FROM '{clean}/orders.parquet'"  # noqa: S608 - our own path
        customers = int(connection.sql(buyers).fetchall()[0][0])
        store = Store(home, clean, -(-customers // CUSTOMERS_PER_BLOCK), connection, COUNTED)
        store.update()

        def table(block: int) -> pa.Table:
            known = snapshot(store.records(block).log(), cutoffs_us, settings)
            values = {name: known.values[:, known.columns.index(name)] for name in names}
            return pa.table({"customer_id": ids_of(known.rows), "cutoff": known.cutoffs_us, **values})

        schema = pa.schema([("customer_id", pa.string()), ("cutoff", pa.int64()), *((n, pa.float64()) for n in names)])
        rows = 0
        with pq.ParquetWriter(result, schema, **packing(schema)) as file:
            for made in in_order(table, range(store.blocks)):
                file.write_table(made)
                rows += made.num_rows
        store.save()
    return rows


def the_thirty() -> Settings:
    """Settings of a shop whose own features are the thirty, and which leaves the families out, as the peers do."""
    own = str(Path(__file__).with_name("own"))
    if own not in features.__path__:  # the engine takes a shop's own modules from its folder `features` only
        features.__path__.append(own)
    families = feature_columns(Settings(90, None, ()))
    return Settings(90, None, (), extra=("features.thirty",), left_out=frozenset(column.name for column in families))
