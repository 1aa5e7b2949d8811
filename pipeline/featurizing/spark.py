"""Featurize on Apache Spark: the same block function on every executor, one history and one current file at the end.

Executors compute blocks side by side and keep the packed results on their disks; a lost one is computed again. The
driver then fetches block after block, so it never holds more than one, and writes them in the order of the blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from features.registry import feature_columns
from pipeline import paths
from pipeline.featurizing.calendar import calendar_between
from pipeline.featurizing.output import Made, Output, Written
from pipeline.featurizing.settings import settings_of
from pipeline.featurizing.spark_block import PACKED, carrier, unpacked
from pipeline.featurizing.spark_session import spark_session
from pipeline.featurizing.spark_tables import blocked, read_shop, sample, survey
from pipeline.featurizing.tables import current_schema, history_schema
from pipeline.files import written_aside
from pipeline.params import Params
from pipeline.stage import progress

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@contextmanager
def spark_features(params: Params, proof_customers: int) -> Iterator[Made]:
    """Compute `data/features/history.parquet` and `current.parquet`; they appear when the `with` block ends well."""
    with written_aside(paths.HISTORY) as history, written_aside(paths.CURRENT) as current:
        with spark_session(params.features.spark) as spark:
            made = featurized(spark, params, (history, current), proof_customers)
        yield made


def featurized(spark: SparkSession, params: Params, files: tuple[Path, Path], proof_customers: int) -> Made:
    """The same in a running session: history and current into the two `files`, by block, customer and cutoff."""
    how = params.features.spark
    shop = read_shop(spark, how.clean)
    found = survey(shop)
    when = calendar_between(found.first_order_us, found.last_event_us, params.snapshots)
    settings = settings_of(params, found, when)
    progress(f"Spark at {how.master}: {found.orders:,} orders, {found.engagement:,} events, {how.blocks} blocks")
    columns = tuple(column.name for column in feature_columns(settings))
    carry = carrier(when, settings, params.features.events_per_block)
    packed = blocked(shop, how.blocks).groupBy("block").applyInArrow(carry, PACKED)
    past, now = _written(packed, columns, files)
    return Made(found, when, settings, past, now, sample(shop, proof_customers))


def _written(packed: DataFrame, columns: tuple[str, ...], files: tuple[Path, Path]) -> tuple[Written, Written]:
    from pyspark import StorageLevel

    # Fetching alone would compute one partition after the other; counting first computes all of them, side by side.
    packed = packed.persist(StorageLevel.DISK_ONLY)
    rows = packed.groupBy("today").sum("rows").collect()
    progress(", ".join(f"{row[1]:,} rows {'today' if row[0] else 'of history'}" for row in sorted(rows)))
    with Output(files[0], history_schema(columns)) as history, Output(files[1], current_schema(columns)) as current:
        last = 0
        for slice_ in packed.toLocalIterator(prefetchPartitions=True):
            if slice_["block"] < last:
                raise RuntimeError(f"Spark gave block {slice_['block']} after block {last}")
            last = slice_["block"]
            (current if slice_["today"] else history).add(unpacked(slice_["payload"]))
    packed.unpersist()
    return history.written, current.written
