"""The clean tables as Spark reads them: in canonical columns and types, surveyed, sampled, and put into blocks.

A table may be one Parquet file or a folder of them, on any storage Spark reads. Names of columns may be in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from features.errors import DataError, SourceError
from features.kinds import INTEREST_KINDS, KINDS
from features.log import MONEY_FIELDS
from features.tables import ENGAGEMENT, MONEY, ORDER_ITEMS, ORDERS, SCHEMAS, TIME
from pipeline import paths
from pipeline.featurizing.output import Survey
from pipeline.featurizing.spark_block import TABLES, TRAVELS
from pipeline.stage import progress

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

TYPES = {
    pa.string(): "string",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    TIME: "timestamp",
    MONEY: "decimal(18,4)",
}
HAPPENED = {"orders": "ordered_at", "engagement": "occurred_at"}  # what `known_at` is when nobody said
REQUIRED = {
    "orders": ("order_id", "customer_id", "known_at"),
    "engagement": ("customer_id", "known_at", "kind"),
    "order_items": ("order_id", "product_id"),
}


@dataclass(frozen=True)
class SparkShop:
    """The tables as the export has them, canonical columns only; Spark reads of each what is asked of it."""

    orders: DataFrame
    engagement: DataFrame
    order_items: DataFrame


def read_shop(spark: SparkSession, clean: str | None) -> SparkShop:
    """The tables under `clean` (None: data/clean); raises SourceError without orders or a column that must be there."""
    folder = f"file://{paths.CLEAN.absolute()}" if clean is None else _absolute(clean.rstrip("/"))
    return SparkShop(**{name: _canonical(_read(spark, folder, name), name, folder) for name in TABLES})


def survey(shop: SparkShop) -> Survey:
    """Counts, first and last moments, one pass per table; raises DataError for what `check` would have refused."""
    from pyspark.sql import functions as f

    moment = f.unix_micros("known_at")
    money = [f.count(name).alias(name) for name in MONEY_FIELDS]
    orders = _surveyed(shop.orders, "orders", [f.min(moment).alias("first"), f.max(moment).alias("last"), *money])
    if not orders["rows"]:
        raise DataError("the orders have no row; without orders there is nobody to come back.")
    human = f.max(f.when(_is_human(), moment)).alias("last")
    events = _surveyed(shop.engagement, "engagement", [f.collect_set("kind").alias("kinds"), human])
    items = _surveyed(shop.order_items, "order_items", [])
    unknown = sorted(set(events["kinds"]) - set(KINDS[1:]))
    if unknown:
        raise DataError(f"engagement holds unknown kinds: {', '.join(unknown)}. Known are {', '.join(KINDS[1:])}.")
    return Survey(
        orders["rows"],
        events["rows"],
        orders["first"],
        max(orders["last"], events["last"] or orders["last"]),
        _absent({name for name in MONEY_FIELDS if not orders[name]}, set(events["kinds"]), items["rows"]),
    )


def blocked(shop: SparkShop, blocks: int) -> DataFrame:
    """Every row the features read, in partition `block` of its customer: crc32(customer_id) % blocks."""
    from pyspark.sql import functions as f

    owners = shop.orders.select("order_id", "customer_id")
    items = shop.order_items.join(owners, "order_id")  # so that an item lands in its customer's block
    orders, engagement, bought = (
        _travelling(rows, number)
        for number, rows in enumerate((shop.orders, shop.engagement.where(_is_human()), items))
    )
    together = orders.unionByName(engagement, allowMissingColumns=True).unionByName(bought, allowMissingColumns=True)
    block = f.pmod(f.crc32(f.col("customer_id").cast("binary")), f.lit(blocks)).cast("int")
    return together.withColumn("block", block).repartitionById(blocks, "block")


def sample(shop: SparkShop, customers: int) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Clean orders, engagement and items of at most this many customers: those whose ids hash lowest."""
    from pyspark.sql import functions as f

    ids = shop.orders.select("customer_id").distinct().orderBy(f.xxhash64("customer_id"), "customer_id")
    chosen = f.broadcast(ids.limit(customers))
    orders = shop.orders.join(chosen, "customer_id", "left_semi")
    engagement = shop.engagement.join(chosen, "customer_id", "left_semi")
    items = shop.order_items.join(f.broadcast(orders.select("order_id")), "order_id", "left_semi")
    return _arrow(orders, ORDERS), _arrow(engagement, ENGAGEMENT), _arrow(items, ORDER_ITEMS)


def _read(spark: SparkSession, folder: str, name: str) -> DataFrame:
    from pyspark.errors import AnalysisException

    try:
        return spark.read.parquet(f"{folder}/{name}.parquet")
    except AnalysisException as error:
        if name == "orders" or error.getCondition() != "PATH_NOT_FOUND":
            raise
    progress(f"no {folder}/{name}.parquet: the features that need it are left out")
    return spark.createDataFrame([], ", ".join(f"{column} string" for column in REQUIRED[name]))


def _canonical(table: DataFrame, name: str, folder: str) -> DataFrame:
    from pyspark.sql import functions as f

    there = {column.lower(): f.col(f"`{column}`") for column in table.columns}
    if name in HAPPENED and HAPPENED[name] in there:
        happened = there[HAPPENED[name]]
        there["known_at"] = f.coalesce(there["known_at"], happened) if "known_at" in there else happened
    missing = [column for column in REQUIRED[name] if column not in there]
    if missing:
        raise SourceError(
            f"{folder}/{name}.parquet has no column {', '.join(missing)}; it has {', '.join(table.columns)}. "
            "Name the columns of the export as in docs/cluster.md."
        )
    absent = f.lit(None)
    return table.select(
        *(there.get(each.name, absent).cast(TYPES[each.type]).alias(each.name) for each in SCHEMAS[name])
    )


def _surveyed(table: DataFrame, name: str, aggregates: list[Column]) -> dict[str, Any]:
    from pyspark.sql import functions as f

    empty = [f.count_if(f.col(column).isNull()).alias(f"no {column}") for column in REQUIRED[name]]
    found: dict[str, Any] = table.agg(f.count(f.lit(1)).alias("rows"), *empty, *aggregates).collect()[0].asDict()
    faults = [f"{found[f'no {column}']:,} without {column}" for column in REQUIRED[name] if found[f"no {column}"]]
    if faults:
        raise DataError(
            f"{name} has {found['rows']:,} rows, of these {', '.join(faults)}. Leave them out of the export."
        )
    return found


def _arrow(rows: DataFrame, schema: pa.Schema) -> pa.Table:
    return rows.select(*schema.names).toArrow().cast(schema)


def _is_human() -> Column:
    from pyspark.sql import functions as f

    return ~f.coalesce(f.col("is_machine"), f.lit(False))


def _travelling(rows: DataFrame, number: int) -> DataFrame:
    from pyspark.sql import functions as f

    travels = TRAVELS[TABLES[number]]
    named = [f.col(canonical).alias(column) for canonical, column in travels.items()]
    owner = [] if "customer_id" in travels else [f.col("customer_id")]
    return rows.select(f.lit(number).cast("byte").alias("table"), *owner, *named)


def _absent(empty_money: set[str], kinds: set[str], items: int) -> frozenset[str]:
    """As `pipeline.event_log.absent` finds it on one machine; a test holds the two together."""
    missing = empty_money | (set(KINDS[1:]) - kinds) | (set() if items else {"order_items"})
    return frozenset(missing | ({"engagement"} if missing >= set(INTEREST_KINDS) else set()))


def _absolute(clean: str) -> str:
    return clean if "://" in clean or Path(clean).is_absolute() else f"file://{Path(clean).absolute()}"
