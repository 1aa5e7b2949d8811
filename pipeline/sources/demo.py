"""The demo shop as a source: simulated chunk by chunk, so memory does not grow with the shop; the truth is kept apart.

The same seed gives the same bytes, and people keep their story when the shop gets more customers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.demo_shop import tables
from pipeline.demo_shop.campaigns import Scene, draw_scene
from pipeline.demo_shop.habits import HABITS, Period
from pipeline.demo_shop.mess import messy_events, messy_orders
from pipeline.demo_shop.story import CHUNK, Story, draw_story
from pipeline.demo_shop.truth import oracle_churn_probability as oracle_churn_probability
from pipeline.files import write_table, written_aside
from pipeline.params import DemoShop
from pipeline.stage import progress

RAW_TABLES = ("orders", "order_items", "engagement", "customers")


def pull_demo(demo: DemoShop, raw: Path, truth: Path) -> dict[str, int]:
    """Simulate the shop into raw tables and `truth/{customers,orders,campaigns}.parquet`; returns rows by raw table."""
    streams = np.random.SeedSequence(demo.seed).spawn(1 + -(-demo.customers // CHUNK))
    scene = draw_scene(np.random.default_rng(streams[0]), Period.of(demo.end, demo.years), HABITS)
    places = {name: raw / f"{name}.parquet" for name in RAW_TABLES}
    places |= {f"true_{name}": truth / f"{name}.parquet" for name in ("customers", "orders")}
    rows = dict.fromkeys(RAW_TABLES, 0)
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for chunk in _chunks(demo.customers, streams[1:], scene):
            for name, table in chunk.items():
                if name not in writers:
                    aside = stack.enter_context(written_aside(places[name]))
                    writers[name] = stack.enter_context(pq.ParquetWriter(aside, table.schema, compression="zstd"))
                writers[name].write_table(table)
            rows = {name: rows[name] + chunk[name].num_rows for name in RAW_TABLES}
    write_table(truth / "campaigns.parquet", tables.campaigns_table(scene))
    return rows


def _chunks(customers: int, streams: list[np.random.SeedSequence], scene: Scene) -> Iterator[dict[str, pa.Table]]:
    for chunk, stream in enumerate(streams):
        first = chunk * CHUNK
        numbers = np.arange(first, min(first + CHUNK, customers)) + 1
        life, dirt = stream.spawn(2)
        yield _told(draw_story(chunk, numbers, life, scene), dirt, scene)
        progress(f"{numbers[-1]:,} of {customers:,} customers simulated")


def _told(story: Story, stream: np.random.SeedSequence, scene: Scene) -> dict[str, pa.Table]:
    rngs = [np.random.default_rng(part) for part in stream.spawn(3)]
    orders, cancellations = messy_orders(rngs[0], story, scene)
    return {
        "orders": tables.orders_table(orders, story),
        "order_items": tables.order_items_table(orders, story),
        "engagement": tables.engagement_table(messy_events(rngs[1], story, cancellations, scene), story),
        "customers": tables.customers_table(rngs[2], story),
        "true_customers": tables.true_customers_table(story, scene),
        "true_orders": tables.true_orders_table(story),
    }
