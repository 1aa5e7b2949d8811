"""Polars: the thirty columns with a group-by per cutoff, as one writes it and as one tunes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from benchmarks.feature_peers.spec import AGES, COUNTS, DAY_US, ENGAGEMENT, KINDS, WINDOWS_DAYS, age_name, count_name


def plain(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """As one writes it: for each cutoff a group-by of the customers with 25 filtered counts."""
    events = _events(clean).collect().lazy()
    return _written((_of_customers(events, cutoff) for cutoff in cutoffs_us), result)


def tuned(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """Integer times, kinds as Enum; a group-by of customers and kinds, five counts each; then the kinds aside."""
    time, kind = pl.col("known_at").dt.epoch("us").alias("time"), pl.col("kind").cast(pl.Enum(KINDS))
    events = _events(clean).select("customer_id", time, kind).collect().lazy()
    return _written((_of_customers_and_kinds(events, cutoff) for cutoff in cutoffs_us), result)


def _events(clean: Path) -> pl.LazyFrame:
    orders = pl.scan_parquet(clean / "orders.parquet").select("customer_id", "known_at", kind=pl.lit("order"))
    engagement = pl.scan_parquet(clean / "engagement.parquet").filter(
        ~pl.col("is_machine"), pl.col("kind").is_in(ENGAGEMENT)
    )
    return pl.concat([orders, engagement.select("customer_id", "known_at", "kind")])


def _written(parts: Iterable[pl.DataFrame], result: Path) -> int:
    made = pl.concat(parts)
    made.write_parquet(result, compression="lz4")
    return made.height


def _of_customers(events: pl.LazyFrame, cutoff_us: int) -> pl.DataFrame:
    cutoff, time = datetime.fromtimestamp(cutoff_us / 1e6, UTC), pl.col("known_at")
    counts = (
        ((pl.col("kind") == kind) & (time >= cutoff - timedelta(days=days))).sum().alias(count_name(kind, days))
        for kind in KINDS
        for days in WINDOWS_DAYS
    )
    ages = (
        ((pl.lit(cutoff) - time.filter(pl.col("kind") == kind).max()).dt.total_microseconds() / DAY_US).alias(
            age_name(kind)
        )
        for kind in KINDS
    )
    known = events.filter(time < cutoff).group_by("customer_id").agg(*counts, *ages)
    return _result(known.collect(), cutoff_us)


def _of_customers_and_kinds(events: pl.LazyFrame, cutoff: int) -> pl.DataFrame:
    counts = ((pl.col("time") >= cutoff - days * DAY_US).sum().alias(str(days)) for days in WINDOWS_DAYS)
    known = events.filter(pl.col("time") < cutoff).group_by("customer_id", "kind")
    long = known.agg(*counts, age=(cutoff - pl.col("time").max()) / DAY_US).collect()
    wide = long.pivot(on="kind", on_columns=KINDS, index="customer_id", values=[*map(str, WINDOWS_DAYS), "age"])
    counted = (
        pl.col(f"{days}_{kind}").fill_null(0).alias(count_name(kind, days)) for kind in KINDS for days in WINDOWS_DAYS
    )
    return _result(wide.select("customer_id", *counted, *AGES), cutoff)


def _result(known: pl.DataFrame, cutoff: int) -> pl.DataFrame:
    buyers = known.filter(pl.col(age_name("order")).is_not_null())
    return buyers.select("customer_id", pl.lit(cutoff).alias("cutoff"), *COUNTS, *AGES)
