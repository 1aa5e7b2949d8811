"""Months after t0 as canonical tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.tables import SCHEMAS
from pipeline.demo_shop.ahead import World, nothing_sent
from pipeline.demo_shop.ahead_people import everybody
from pipeline.demo_shop.ahead_tables import customer_ids, month_begin_us, month_tables, touches_table
from pipeline.params import load_params
from pipeline.sources.demo import pull_demo
from tests.pipeline.ahead_worlds import PERIOD, small_shop, touched
from tests.pipeline.shops import ROOT


def test_a_month_is_canonical_and_inside_its_days() -> None:
    world = World(small_shop(), 1)
    world.live(nothing_sent())
    tables = month_tables(world.everybody, world.live(nothing_sent()))
    assert {name: table.schema for name, table in tables.items()} == SCHEMAS
    begin, end = (month_begin_us(world.everybody, month) for month in (1, 2))
    for name, clock in (("orders", "known_at"), ("engagement", "known_at")):
        times = np.asarray(tables[name][clock].cast("int64"))
        assert begin <= times.min() < begin + 86_400_000_000
        assert end - 86_400_000_000 < times.max() < end


def test_items_add_up_to_their_orders() -> None:
    world = World(small_shop(), 1)
    tables = month_tables(world.everybody, world.live(touched(world, np.arange(3000), is_ask=True, discount=0.1)))
    orders, items = tables["orders"].to_pandas(), tables["order_items"].to_pandas()
    items["money"] = items["quantity"] * items["unit_price"].astype(float)
    told = orders.set_index("order_id")
    assert set(items["order_id"]) == set(told.index)
    gross = (told["revenue"] + told["discount"]).astype(float)
    assert np.allclose(items.groupby("order_id")["money"].sum().sort_index(), gross.sort_index(), atol=0.005)


def test_no_id_is_used_twice_nor_was_before(tmp_path: Path) -> None:
    demo = load_params(ROOT / "params.yaml").pull.demo.model_copy(update={"customers": 300})
    pull_demo(demo, tmp_path / "raw", tmp_path / "truth")
    people = everybody(demo.seed, 300, PERIOD, 2)
    world = World(people, 1)
    months = [month_tables(people, world.live(nothing_sent())) for _ in range(2)]
    for name, column in (("orders", "order_id"), ("engagement", "event_id"), ("customers", "customer_id")):
        old = set(pq.read_table(tmp_path / "raw" / f"{name}.parquet")[column].to_pylist())
        new = [one for month in months for one in month[name][column].to_pylist()]
        assert len(new) == len(set(new))
        assert not old & set(new)


def test_the_people_are_those_of_the_source(tmp_path: Path) -> None:
    demo = load_params(ROOT / "params.yaml").pull.demo.model_copy(update={"customers": 300})
    pull_demo(demo, tmp_path / "raw", tmp_path / "truth")
    truth = pq.read_table(tmp_path / "truth/customers.parquet")
    people = everybody(demo.seed, 300, PERIOD, 1)
    assert truth["customer_id"].to_pylist() == customer_ids(people)[: people.known].tolist()
    assert truth["rate_per_day"].to_pylist() == people.people.rate[: people.known].tolist()
    ends = np.asarray(pc.fill_null(truth["lifetime_end_at"].cast("int64"), 0)) / 86_400_000_000
    finite = ends > 0
    assert np.allclose(ends[finite], people.natural.end[: people.known][finite], atol=1e-4)


def test_touches_are_events_that_name_their_action() -> None:
    world = World(small_shop(), 1)
    sent = touched(world, np.array([4, 9]), is_ask=False)
    table = touches_table(world.everybody, sent, np.array(["follow_up", "how_to_content"]), np.array([0.5, 0.25]))
    assert table["customer_id"].to_pylist() == ["c0000005", "c0000010"]
    assert [subject.split(":")[0] for subject in table["subject"].to_pylist()] == ["follow_up", "how_to_content"]
    assert [float(value) for value in table["value"].to_pylist()] == [0.5, 0.25]
    assert len(set(table["event_id"].to_pylist())) == 2
