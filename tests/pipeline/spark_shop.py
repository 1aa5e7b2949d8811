"""A small untidy shop in clean tables, for Spark: machines, strangers, late facts, odd ids; and how to run it."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from features.kinds import KINDS
from features.log import DAY_US
from features.tables import ENGAGEMENT, ORDER_ITEMS, ORDERS, SCHEMAS
from pipeline.featurizing.calendar import instant
from pipeline.params import Params, parse_params
from tests.features.conftest import random_records

ROOT = Path(__file__).parents[2]
START_US = instant("2024-01-01")
needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or shutil.which("java") is None,
    reason="Spark needs Java and the extra [spark] (`make spark`), and one of them is not here",
)
# Half the compiler: a JVM that lives for seconds spends most of them compiling.
QUICK = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1"}


def write_shop(clean: Path, customers: int = 60, orders: int = 240, events: int = 2_000) -> None:
    """Orders, items and engagement under `clean`; a stranger who never ordered did the very last thing."""
    records = random_records(5, customers, orders, events)
    names = np.array([f"k{number:03d}{'ü' if number % 7 == 0 else ''}" for number in range(customers)])
    rng, when = np.random.default_rng(5), START_US
    known = when + records.orders["time"] + np.where(rng.random(orders) < 0.2, 3 * DAY_US, 0)
    _write(
        clean / "orders.parquet",
        ORDERS,
        order_id=[f"o{number}" for number in range(orders)],
        customer_id=names[records.orders["customer"]],
        ordered_at=when + records.orders["time"],
        known_at=known,
        revenue=records.orders["revenue"] / 1e4,
        discount=np.where(rng.random(orders) < 0.3, None, records.orders["discount"] / 1e4),
    )
    who = names[records.engagement["customer"]]
    stranger, machine = rng.random(events) < 0.2, rng.random(events) < 0.2
    occurred = when + records.engagement["time"]
    occurred[-2:], stranger[-2:], machine[-2:] = when + 700 * DAY_US, (True, False), (False, True)
    _write(
        clean / "engagement.parquet",
        ENGAGEMENT,
        event_id=[f"e{number}" for number in range(events)],
        customer_id=np.where(stranger, "nobody", who),
        occurred_at=occurred,
        known_at=occurred + np.where(rng.random(events) < 0.2, DAY_US, 0),
        kind=np.array(KINDS)[records.engagement["kind"]],
        value=records.engagement["value"] / 1e4,
        is_machine=machine,
    )
    items = records.items
    _write(
        clean / "order_items.parquet",
        ORDER_ITEMS,
        order_id=[f"o{number}" for number in np.append(items["order"], orders + 5)],  # the last of no known order
        product_id=np.append(items["product"], 1).astype(str),
        category=np.append(items["category"], 1).astype(str),
        quantity=np.append(items["quantity"], 10_000) / 1e4,
    )


def spark_params(engine: str = "spark", **spark: object) -> Params:
    """The project's params with short horizons and this Spark."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    tree["snapshots"].update({"horizon_days": 60, "max_cutoffs": 4})
    tree["features"].update({"engine": engine, "events_per_block": 1_000})
    how = {"blocks": 2, "options": QUICK, **spark}
    tree["features"]["spark"].update(how)
    return parse_params(tree)


def assert_same(ours: pa.Table, theirs: pa.Table) -> None:
    """The same schema, and equal to 1e-9 customer by customer and moment by moment."""
    assert ours.schema.remove_metadata() == theirs.schema.remove_metadata()
    keys = [(name, "ascending") for name in theirs.column_names[:2]]
    one, other = (table.sort_by(keys).to_pandas() for table in (ours, theirs))
    pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-9, atol=1e-9)


def _write(path: Path, schema: pa.Schema, **columns: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = len(next(iter(columns.values())))  # type: ignore[arg-type]
    filled = {
        each.name: pa.array(columns[each.name]).cast(each.type) if each.name in columns else pa.nulls(count, each.type)
        for each in schema
    }
    pq.write_table(pa.table(filled, schema=schema), path)


def as_exported(clean: Path, export: Path) -> None:
    """The same tables as a warehouse writes them: folders of part files, names in capitals, no `known_at` column."""
    for name in SCHEMAS:
        if not (clean / f"{name}.parquet").exists():
            continue
        table = pq.read_table(clean / f"{name}.parquet")
        happened = {"orders": "ordered_at", "engagement": "occurred_at"}.get(name)
        if happened:
            table = table.drop_columns([happened]).rename_columns(
                [happened if column == "known_at" else column for column in table.column_names if column != happened]
            )
        table = table.rename_columns([column.upper() for column in table.column_names])
        (export / f"{name}.parquet").mkdir(parents=True)
        for part in range(3):
            rows = table.slice(part * (table.num_rows // 3 + 1), table.num_rows // 3 + 1)
            pq.write_table(rows, export / f"{name}.parquet" / f"data_{part}.snappy.parquet")
