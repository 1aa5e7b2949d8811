"""The featurize stage on a small random shop: rows, labels, calendar, catalogue, and the same bytes twice."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from features.asof import Settings, label, snapshot
from features.block import block_of
from features.errors import DataError
from features.kinds import KINDS
from features.log import DAY_US
from features.tables import CUSTOMERS, ENGAGEMENT, ORDER_ITEMS, ORDERS, TIME
from pipeline import paths
from pipeline.event_log import read_records
from pipeline.featurize import featurize
from pipeline.featurizing.calendar import calendar_between, instant
from pipeline.params import Params, parse_params
from tests.features.conftest import random_records

ROOT = Path(__file__).parents[2]
START_US = instant("2024-01-01")


def filled(schema: pa.Schema, columns: dict[str, object], count: int) -> pa.Table:
    return pa.table(
        {
            field.name: pa.array(columns[field.name]).cast(field.type)
            if field.name in columns
            else pa.nulls(count, field.type)
            for field in schema
        }
    )


def write_clean_shop(clean: Path, seed: int = 3) -> None:
    records = random_records(seed)
    clean.mkdir(parents=True)
    names = np.array(records.customer_ids)
    orders, engagement, items = records.orders, records.engagement, records.items
    ordered = pa.array(START_US + orders["time"]).cast(TIME)
    occurred = pa.array(START_US + engagement["time"]).cast(TIME)
    tables = {
        "orders": (
            ORDERS,
            {
                "order_id": np.arange(len(orders["time"])).astype(str),
                "customer_id": names[orders["customer"]],
                "ordered_at": ordered,
                "known_at": ordered,
                "revenue": orders["revenue"] / 1e4,
            },
        ),
        "engagement": (
            ENGAGEMENT,
            {
                "event_id": np.arange(len(engagement["time"])).astype(str),
                "customer_id": names[engagement["customer"]],
                "occurred_at": occurred,
                "known_at": occurred,
                "kind": np.array(KINDS)[engagement["kind"]],
                "value": engagement["value"] / 1e4,
            },
        ),
        "order_items": (
            ORDER_ITEMS,
            {"order_id": items["order"].astype(str), "product_id": items["product"].astype(str)},
        ),
        "customers": (CUSTOMERS, {"customer_id": names}),
    }
    for name, (schema, columns) in tables.items():
        count = len(columns["customer_id" if "customer_id" in columns else "order_id"])
        pq.write_table(filled(schema, columns, count), clean / f"{name}.parquet")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Params]:
    write_clean_shop(tmp_path / paths.CLEAN)
    monkeypatch.chdir(tmp_path)
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())

    def params(**snapshots: object) -> Params:
        tree["snapshots"].update({"horizon_days": 60, **snapshots})
        tree["features"]["customers_per_block"] = 25
        return parse_params(tree)

    return params


def test_history_holds_every_closed_cutoff_and_the_label_of_the_engine(shop: Callable[..., Params]) -> None:
    params = shop(max_cutoffs=5)
    featurize(params)
    history, catalogue = pd.read_parquet(paths.HISTORY), json.loads(paths.CATALOGUE.read_text())

    columns = [column["name"] for column in catalogue["columns"]]
    assert list(history) == ["customer_id", "cutoff", *columns, "churned", "future_orders", "future_revenue"]
    assert history["cutoff"].nunique() == 5
    block = np.array([block_of(name, 4) for name in history["customer_id"]])
    assert history.equals(history.iloc[np.lexsort((history["cutoff"], history["customer_id"].astype(object), block))])

    records = read_records(paths.CLEAN)
    cutoff = int(history["cutoff"].astype("int64").max())
    settings = Settings(60, 365, (14, 60), frozenset(catalogue["absent"]))
    known = snapshot(records.log(), [cutoff], settings)
    last = history[history["cutoff"] == history["cutoff"].max()].sort_values("customer_id")
    assert tuple(last["customer_id"]) == known.customer_ids
    np.testing.assert_allclose(last[columns].to_numpy(), known.values, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(last["churned"], label(known.rows, 60).churned)
    assert 0 < last["churned"].mean() < 1


def test_current_is_the_population_at_the_midnight_after_the_last_event(shop: Callable[..., Params]) -> None:
    featurize(shop())
    current, catalogue = pd.read_parquet(paths.CURRENT), json.loads(paths.CATALOGUE.read_text())
    assert current["as_of"].unique().tolist() == [pd.Timestamp(catalogue["as_of"])]
    assert catalogue["as_of"] == "2025-08-23T00:00:00+00:00"
    assert current["customer_id"].is_unique


def test_as_of_and_test_cutoff_come_from_the_params(shop: Callable[..., Params]) -> None:
    params = shop(as_of="2025-06-01", test_cutoff="2025-03-03", every_days=45)
    when = calendar_between(instant("2024-01-01"), instant("2025-08-22"), params.snapshots)
    assert when.as_of_us == instant("2025-06-01")
    assert when.cutoffs_us[-1] == instant("2025-03-03")
    assert {later - earlier for earlier, later in itertools.pairwise(when.cutoffs_us)} == {45 * DAY_US}


def test_the_stage_gives_the_same_bytes_twice(shop: Callable[..., Params]) -> None:
    params, outputs = shop(), (paths.HISTORY, paths.CURRENT, paths.CATALOGUE)
    featurize(params)
    first = [path.read_bytes() for path in outputs]
    featurize(params)
    assert [path.read_bytes() for path in outputs] == first


def test_the_catalogue_says_what_is_absent_and_that_the_proof_passed(shop: Callable[..., Params]) -> None:
    featurize(shop())
    catalogue = json.loads(paths.CATALOGUE.read_text())
    assert catalogue["absent"] == ["discount", "units"]
    assert catalogue["leakage_proof"]["passed"]
    assert [one["changed_columns"] for one in catalogue["leakage_proof"]["attempts"]] == [[]] * 6
    assert all(column["doc"] and column["unit"] for column in catalogue["columns"])


def test_a_leaking_feature_stops_the_run_and_is_named(
    shop: Callable[..., Params], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "features.past.Events.count", lambda events: events.answers.grid.log.span[1] + events._nothing()
    )
    monkeypatch.setattr(
        "features.past.Events._nothing", lambda events: np.zeros(len(events.answers.customer)), raising=False
    )
    with pytest.raises(DataError, match=r"the leakage proof failed.*orders_30d"):
        featurize(shop(max_cutoffs=2))
    assert not paths.HISTORY.exists()


def test_a_population_of_nobody_is_said_with_its_cutoffs(shop: Callable[..., Params]) -> None:
    with pytest.raises(DataError, match=r"nobody is in the population at 20\d\d-.*Raise snapshots.active_days"):
        featurize(shop(active_days=1, every_days=1, max_cutoffs=90))


@pytest.mark.parametrize(
    ("text", "moment"),
    [("1970-01-02", DAY_US), ("1970-01-02T02:00:00+02:00", DAY_US), ("1970-01-01T00:00:01", 1_000_000)],
)
def test_a_date_without_a_zone_is_utc(text: str, moment: int) -> None:
    assert instant(text) == moment
