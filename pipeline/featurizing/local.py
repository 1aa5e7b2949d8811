"""Featurize on one machine: the blocks of the store, one per core at a time, written in the order of the blocks."""

# ruff: noqa: S608  paths are quoted literals
from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from features.asof import Settings
from features.block import BlockFeatures, Calendar, block_features
from features.errors import DataError
from features.kinds import INTEREST_KINDS, KINDS
from features.log import MONEY_FIELDS
from features.records import Records
from features.registry import feature_columns
from pipeline import paths
from pipeline.event_log import blocks
from pipeline.featurizing.calendar import calendar_between
from pipeline.featurizing.memory import keep_freed_memory
from pipeline.featurizing.output import Made, Output, Survey, Written
from pipeline.featurizing.settings import settings_of
from pipeline.featurizing.store import Store
from pipeline.featurizing.tables import current_schema, current_table, history_schema, history_table
from pipeline.featurizing.threads import in_order
from pipeline.featurizing.yesterday import Kept
from pipeline.files import written_aside
from pipeline.params import Params
from pipeline.sources.raw import connect, literal
from pipeline.stage import progress

STORE = Path("data/store")
DATABASE_MEMORY = "1GB"  # for joins; what does not fit goes to disk

Tables = tuple[pa.Table, pa.Table]


@contextmanager
def local_features(params: Params, proof_customers: int) -> Iterator[Made]:
    """Compute `data/features/history.parquet` and `current.parquet`; they appear when the `with` block ends well."""
    keep_freed_memory()
    with closing(_database()) as connection:
        orders, customers = _orders(connection)
        store = Store(STORE, paths.CLEAN, _blocks(customers, params.features.customers_per_block), connection)
        store.update()
        survey = _survey(connection, store, orders)
        proof = store.sample(proof_customers)
    when = calendar_between(survey.first_order_us, survey.last_event_us, params.snapshots)
    settings = settings_of(params, survey, when)
    progress(
        f"{survey.orders:,} orders, {survey.engagement:,} events, {customers:,} customers in {store.blocks} blocks"
    )
    with written_aside(paths.HISTORY) as history, written_aside(paths.CURRENT) as current:
        kept = Kept(store, when, settings)
        past, now = _written(store, kept, when, settings, (history, current), params.features.events_per_block)
        made = Made(survey, when, settings, past, now, proof, dict(kept.proven))
        yield made
        kept.keep(history, past, made.proven)
    store.save()


def _written(
    store: Store,
    kept: Kept,
    when: Calendar,
    settings: Settings,
    files: tuple[Path, Path],
    events_per_block: int,
) -> tuple[Written, Written]:
    columns = tuple(column.name for column in feature_columns(settings))
    asked = Calendar((), when.as_of_us) if kept.history is not None else when

    def make(block: int) -> Tables:
        return block_tables(store.records(block), asked, settings, events_per_block)

    with Output(files[1], current_schema(columns)) as current:
        if kept.history is not None:
            kept.link(files[0])
            progress(f"yesterday's {kept.history.rows:,} rows of history hold: nothing new was known before they end")
            for _, now in in_order(make, range(store.blocks)):
                current.add(now)
            return kept.history, current.written
        with Output(files[0], history_schema(columns)) as history:
            for number, (past, now) in enumerate(in_order(make, range(store.blocks)), start=1):
                history.add(past)
                current.add(now)
                progress(f"block {number} of {store.blocks}: {past.num_rows:,} rows of history, {now.num_rows:,} today")
    return history.written, current.written


def block_tables(records: Records, when: Calendar, settings: Settings, events_per_block: int) -> Tables:
    """History and current table of a block, customers ascending; a block too big for the memory is cut in halves."""
    try:
        if len(records.engagement["time"]) <= events_per_block or len(records.customer_ids) < 2:
            return _tables(block_features(records, when, settings))
    except MemoryError as error:
        if len(records.customer_ids) < 2:
            raise DataError(
                f"customer {records.customer_ids[0]!r} with {len(records.engagement['time']):,} events does not fit in "
                "memory. Check the data: nobody is that busy; or give the machine more memory."
            ) from error
    halves = [
        block_tables(half, when, settings, events_per_block)
        for half in blocks(records, -(-len(records.customer_ids) // 2))
    ]
    order = [("customer_id", "ascending")]
    past, now = (pa.concat_tables(tables).combine_chunks() for tables in zip(*halves, strict=True))
    return past.sort_by([*order, ("cutoff", "ascending")]), now.sort_by(order)


def _tables(made: BlockFeatures) -> Tables:
    return history_table(made), current_table(made)


def _database() -> duckdb.DuckDBPyConnection:
    connection = connect(threads=None)
    connection.execute(f"SET preserve_insertion_order = false; SET memory_limit = '{DATABASE_MEMORY}'")
    connection.execute(f"SET temp_directory = {literal(str(STORE.parent / '.duckdb'))}")
    return connection


def _orders(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], int]:
    path = paths.CLEAN / "orders.parquet"
    counts = ", ".join(f"count({name}) AS {name}" for name in MONEY_FIELDS)
    row = connection.sql(
        f"SELECT count(*) AS rows, count(DISTINCT customer_id) AS customers, epoch_us(min(known_at)) AS first, "
        f"epoch_us(max(known_at)) AS last, {counts} FROM read_parquet({literal(str(path))})"
    )
    found = dict(zip(row.columns, row.fetchall()[0], strict=True))
    if not found["rows"]:
        raise DataError(f"{path} has no orders; see reports/quality.json for what was refused.")
    return found, int(found["customers"])


def _blocks(customers: int, customers_per_block: int) -> int:
    # A power of two, so that the number seldom changes as the shop grows.
    return 1 << max(0, -(-customers // customers_per_block) - 1).bit_length()


def _survey(connection: duckdb.DuckDBPyConnection, store: Store, orders: dict[str, int]) -> Survey:
    items = connection.sql(f"SELECT count(*) FROM read_parquet({literal(str(paths.CLEAN / 'order_items.parquet'))})")
    missing = {name for name in MONEY_FIELDS if not orders[name]}
    missing |= {kind for kind, count in zip(KINDS[1:], store.state.kinds[1:], strict=True) if not count}
    missing |= set() if items.fetchall()[0][0] else {"order_items"}
    missing |= {"engagement"} if missing >= set(INTEREST_KINDS) else set()
    last = max(orders["last"], store.state.last_event_us or orders["last"])
    return Survey(orders["rows"], store.state.seen["engagement"].rows, orders["first"], last, frozenset(missing))
