"""A small clean shop that grows from day to day, as `check` writes it: sorted by when a row was known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from features.kinds import KINDS
from features.log import DAY_US
from features.tables import CUSTOMERS, ENGAGEMENT, ORDER_ITEMS, ORDERS, SCHEMAS, TIME
from pipeline.featurizing.calendar import instant
from pipeline.params import Params, parse_params
from tests.features.conftest import random_records

ROOT = Path(__file__).parents[2]
START_US = instant("2024-01-01")
LAST_DAY = 600
Tables = dict[str, pa.Table]


def whole_shop(seed: int = 3) -> Tables:
    """60 customers, 600 days; every tenth event happened a month before it was known; every fourth id never ordered."""
    records = random_records(seed, orders=400, events=4_000)
    names = np.array(records.customer_ids)
    orders, engagement, items = records.orders, records.engagement, records.items
    kept = orders["customer"] % 4 > 0
    ordered, known = (pa.array(START_US + times).cast(TIME) for times in (orders["time"], engagement["time"]))
    late = np.where(np.arange(len(engagement["time"])) % 10 == 0, 30 * DAY_US, 0)
    order_ids = np.char.add("o", np.arange(len(kept)).astype(str))
    tables = {
        "orders": _table(
            ORDERS,
            order_id=order_ids,
            customer_id=names[orders["customer"]],
            ordered_at=ordered,
            known_at=ordered,
            revenue=_money(orders["revenue"]),
            units=orders["units"] / 1e4,
        ).filter(pa.array(kept)),
        "engagement": _table(
            ENGAGEMENT,
            event_id=np.arange(len(late)).astype(str),
            customer_id=names[engagement["customer"]],
            occurred_at=pa.array(START_US + engagement["time"] - late).cast(TIME),
            known_at=known,
            kind=np.array(KINDS)[engagement["kind"]],
            value=_money(engagement["value"]),
            is_machine=engagement["value"] % 20 == 0,
        ),
        "order_items": _table(
            ORDER_ITEMS, order_id=order_ids[items["order"]], product_id=items["product"].astype(str)
        ).filter(pa.array(kept[items["order"]])),
        "customers": _table(CUSTOMERS, customer_id=names),
    }
    return {name: table.sort_by(_order(name)) for name, table in tables.items()}


def until(tables: Mapping[str, pa.Table], day: int) -> Tables:
    """What was known before this day."""
    end = pa.scalar(START_US + day * DAY_US).cast(TIME)
    orders, engagement = (
        table.filter(pc.less(table["known_at"], end)) for table in (tables["orders"], tables["engagement"])
    )
    items = tables["order_items"]
    items = items.filter(pc.is_in(items["order_id"], orders["order_id"].combine_chunks()))
    return {**tables, "orders": orders, "engagement": engagement, "order_items": items}


def write_clean(tables: Mapping[str, pa.Table], clean: Path, rows_per_group: int = 500) -> None:
    """The tables as `check` writes them, in small row groups."""
    clean.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pq.write_table(table.cast(SCHEMAS[name]), clean / f"{name}.parquet", row_group_size=rows_per_group)


def shop_params(as_of: str | None = None, **features: object) -> Params:
    """The project's params for this shop: four blocks, cutoffs a month apart."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    tree["snapshots"] |= {"horizon_days": 60, "max_cutoffs": 5, "as_of": as_of}
    tree["features"] |= {"customers_per_block": 15, **features}
    return parse_params(tree)


def _order(name: str) -> list[tuple[str, str]]:
    keys = ("known_at",) if "known_at" in SCHEMAS[name].names else ()
    return [(key, "ascending") for key in (*keys, SCHEMAS[name].names[0], SCHEMAS[name].names[1])]


def _table(schema: pa.Schema, **columns: object) -> pa.Table:
    arrays = {name: pa.array(values) for name, values in columns.items()}
    rows = len(next(iter(arrays.values())))
    return pa.table({one.name: arrays.get(one.name, pa.nulls(rows, one.type)).cast(one.type) for one in schema})


def _money(ten_thousandths: np.ndarray) -> pa.Array:
    return pa.array(ten_thousandths / 1e4).cast(pa.decimal128(18, 4))
