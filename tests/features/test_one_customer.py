"""One customer alone, as a request brings them, against their row in the batch: on two shops, on the hardest histories.

The batch side is what a night computes: the stages themselves, or the block function on clean tables.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.asof import Settings, Snapshot, snapshot
from features.block import Calendar, block_features
from features.errors import SourceError
from features.kinds import ENGAGEMENT_KINDS
from features.log import DAY_US
from features.reading import log_from_records
from features.tables import SCHEMAS
from pipeline import paths
from pipeline.check import check
from pipeline.event_log import records_of
from pipeline.featurize import featurize
from pipeline.files import read_json
from pipeline.params import Params
from pipeline.pull import pull
from pipeline.sources.online_retail_ii import located
from pipeline.train import settings_of
from serving.histories import feature_rows, refuse_unusable
from serving.requests import Customer, microseconds
from tests.features.conftest import SETTINGS
from tests.pipeline.shops import params_for

ROOT = Path(__file__).parents[2]
TABLES = ("orders", "engagement", "order_items")
CUSTOMERS = 1_000
Row = dict[str, Any]
Facts = dict[str, list[Row]]
Values = dict[tuple[str, int], np.ndarray]


@dataclass(frozen=True)
class Night:
    """What a night left behind: each customer's clean rows, and their features at every cutoff and at `as_of`."""

    facts: Mapping[str, Facts]
    past: Values
    now: Values
    as_of_us: int
    settings: Settings
    columns: tuple[str, ...]

    def some(self) -> list[str]:
        """Random customers; whoever is in no population must have no row alone either."""
        return np.random.default_rng(5).permutation(sorted(self.facts))[:CUSTOMERS].tolist()


@pytest.fixture(scope="module", params=["demo", "online_retail_ii"])
def night(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The first three stages, run on a small demo shop or on some customers of Online Retail II."""
    params = params_for(source=request.param, demo={"seed": 7, "customers": 1_100, "years": 2, "end": "2026-01-01"})
    few = params.snapshots.model_copy(update={"max_cutoffs": 4})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.featurize.PROOF_CUSTOMERS", 5)  # the proof has tests of its own
        if request.param == "online_retail_ii":
            patch.setenv("ONLINE_RETAIL_II", str(_retail(params)))
        patch.chdir(tmp_path_factory.mktemp(request.param))
        pull(params)
        if request.param == "online_retail_ii":
            _thin_out(paths.RAW / "lines.parquet")
        check(params)
        featurize(params.model_copy(update={"snapshots": few}))
        return _night()


def _retail(params: Params) -> Path:
    try:
        return located(params.pull.online_retail_ii).resolve()
    except SourceError:
        pytest.skip("the Online Retail II file is not on this machine; put it into data/external/ to run this test")


def _thin_out(lines: Path) -> None:
    table = pq.read_table(lines)
    ends = pc.utf8_slice_codeunits(table["customer_id"], -1)
    pq.write_table(table.filter(pc.is_in(ends, pa.array(["0", "4", "8"]))), lines)


def _night() -> Night:
    catalogue = read_json(paths.CATALOGUE)
    columns = tuple(column["name"] for column in catalogue["columns"])
    as_of_us = microseconds(datetime.fromisoformat(catalogue["as_of"]))
    past, now = _values(paths.HISTORY, "cutoff", columns), _values(paths.CURRENT, "as_of", columns)
    tables = {name: pq.read_table(paths.CLEAN / f"{name}.parquet").to_pylist() for name in TABLES}
    return Night(by_customer(tables), past, now, as_of_us, settings_of(catalogue), columns)


def _values(path: Path, when: str, columns: tuple[str, ...]) -> Values:
    table = pq.read_table(path)
    keys = zip(table["customer_id"].to_pylist(), table[when].cast(pa.int64()).to_pylist(), strict=True)
    return dict(zip(keys, np.column_stack([table[name] for name in columns]), strict=True))


def by_customer(tables: Facts) -> dict[str, Facts]:
    """The rows of each customer; an item belongs to whose order it is in."""
    owner = {row["order_id"]: row["customer_id"] for row in tables["orders"]}
    facts: dict[str, Facts] = {str(name): {table: [] for table in TABLES} for name in owner.values()}
    for table, rows in tables.items():
        for row in rows:
            name = str(row.get("customer_id") or owner.get(row["order_id"]))
            facts.setdefault(name, {each: [] for each in TABLES})[table].append(row)
    return facts


def request_rows(facts: Facts) -> tuple[list[Row], list[Row], list[Row]]:
    """The rows as `log_from_records` takes them."""

    def plain(row: Row) -> Row:
        return {name: microseconds(value) if isinstance(value, datetime) else value for name, value in row.items()}

    orders, engagement, items = ([plain(row) for row in facts[table]] for table in TABLES)
    return orders, engagement, items


def request_of(name: str, facts: Facts) -> Customer:
    """The customer as the endpoint makes them of JSON."""

    def encoded(value: Decimal | datetime) -> object:
        return float(value) if isinstance(value, Decimal) else value.isoformat()

    return Customer.model_validate_json(json.dumps({"customer_id": name, **facts}, default=encoded))


def values_of(known: Snapshot) -> Values:
    """The rows of a snapshot by customer and moment."""
    return dict(zip(zip(known.customer_ids, known.cutoffs_us.tolist(), strict=True), known.values, strict=True))


def assert_equal(alone: Values, batch: Values) -> None:
    assert alone.keys() == batch.keys()
    for key, row in batch.items():
        np.testing.assert_allclose(alone[key], row, rtol=1e-9, atol=1e-9, equal_nan=True, err_msg=str(key))


@pytest.mark.slow
def test_rows_alone_give_the_rows_of_the_night_and_of_its_history(night: Night) -> None:
    names, moments = night.some(), sorted({moment for _, moment in (*night.past, *night.now)})
    batch: dict[str, Values] = {name: {} for name in names}
    for key, row in (night.past | night.now).items():
        batch.get(key[0], {})[key] = row
    for name in names:
        log = log_from_records(*request_rows(night.facts[name]))
        assert_equal(values_of(snapshot(log, moments, night.settings)), batch[name])
    assert len(names) == CUSTOMERS
    assert sum(map(len, batch.values())) > 1.5 * CUSTOMERS


@pytest.mark.slow
def test_the_endpoint_computes_the_row_of_the_night(night: Night) -> None:
    names = night.some()[:100]
    for name in names:
        asked, key = request_of(name, night.facts[name]), (name, night.as_of_us)
        assert refuse_unusable(asked, 0, night.as_of_us, night.settings.absent) is None
        found = feature_rows([asked], night.as_of_us, night.settings, night.columns)
        batch = {key: night.now[key]} if key in night.now else {}
        assert_equal({(own, night.as_of_us): row for own, row in found.items()}, batch)
    assert sum((name, night.as_of_us) in night.now for name in names) > 30


# Two cutoffs and today, one of them not at midnight; histories far apart, all of them after 1990 as requests must be.
CALENDAR = Calendar((19_000 * DAY_US, 19_045 * DAY_US + 5), 19_200 * DAY_US)
MOMENTS = (*CALENDAR.cutoffs_us, CALENDAR.as_of_us)
FAR_US = 7_400 * DAY_US
# Where a strict "before" and a half-open window show themselves: on the edge, and a microsecond beside it.
EDGES = [
    moment - days * DAY_US + beside
    for moment in MOMENTS
    for days in (0, 7, 14, 30, 60, 90, 180, 365, 730, -90)
    for beside in (-1, 0, 1)
]
INSTANTS = st.one_of(st.sampled_from(EDGES), st.integers(FAR_US, MOMENTS[-1] + 90 * DAY_US), st.just(FAR_US))
MONEY = st.one_of(st.none(), st.integers(0, 10**9).map(lambda cents: Decimal(cents) / 10_000))
ORDER = st.fixed_dictionaries(
    {"known_at": INSTANTS, "revenue": MONEY, "discount": MONEY, "units": st.sampled_from([None, 0.0, 1.0, 2.5])}
)
EVENT = st.fixed_dictionaries(
    {"known_at": INSTANTS, "kind": st.sampled_from(ENGAGEMENT_KINDS), "value": MONEY, "is_machine": st.sampled_from(
        [None, False, True])}
)  # fmt: skip
PRODUCT = st.tuples(st.sampled_from("pqr"), st.sampled_from([None, "", "k", "l"]))
HISTORY = st.tuples(st.lists(st.tuples(ORDER, st.lists(PRODUCT, max_size=3)), max_size=6), st.lists(EVENT, max_size=12))
History = tuple[list[tuple[Row, list[tuple[str, str | None]]]], list[Row]]


def order_at(*times_us: int) -> History:
    return [({"known_at": time, "revenue": Decimal(7)}, [("p", "k")]) for time in times_us], []


def events_at(*times_us: int) -> History:
    return [], [{"known_at": time, "kind": "session"} for time in times_us]


def shop_of(histories: list[History]) -> dict[str, pa.Table]:
    """Clean tables in which each history is a customer's; each learns of facts a day later than the one before."""
    rows: Facts = {table: [] for table in TABLES}
    for number, (orders, events) in enumerate(histories):
        own, late_us = {"customer_id": f"c{number}"}, number * DAY_US
        for order, products in orders:
            order_id = f"o{len(rows['orders'])}"
            rows["orders"].append(own | {"order_id": order_id, "ordered_at": order["known_at"] - late_us} | order)
            rows["order_items"] += [{"order_id": order_id, "product_id": p, "category": k} for p, k in products]
        rows["engagement"] += [own | {"occurred_at": event["known_at"] - late_us} | event for event in events]
    return {table: pa.Table.from_pylist(rows[table], SCHEMAS[table]) for table in TABLES}


@given(st.lists(HISTORY, min_size=1, max_size=5))
@example([order_at(MOMENTS[0])])
@example([order_at(MOMENTS[0] - 1), order_at(MOMENTS[0], MOMENTS[0] - 1)])
@example([order_at(FAR_US), events_at(FAR_US)])
@example([order_at(*[MOMENTS[0] - 90 * DAY_US] * 3), order_at()])
@example([(order_at(FAR_US)[0], events_at(*[MOMENTS[1] - 30 * DAY_US] * 4, MOMENTS[1])[1])])
@settings(max_examples=60, deadline=None)
def test_the_hardest_histories_give_the_same_alone_as_in_the_batch(histories: list[History]) -> None:
    tables = shop_of(histories)
    made = block_features(records_of(*(tables[name] for name in TABLES)), CALENDAR, SETTINGS)
    batch = values_of(made.history) | values_of(made.current)
    facts = by_customer({name: table.to_pylist() for name, table in tables.items()})
    alone: Values = {}
    for rows in map(request_rows, facts.values()):
        log = log_from_records(*rows)
        for moment in MOMENTS:
            alone |= values_of(snapshot(log, [moment], SETTINGS))
    assert_equal(alone, batch)


def test_a_request_is_answered_without_pandas() -> None:
    code = """
import sys
from features.asof import Settings
from serving.histories import feature_rows
from serving.requests import Customer
at = "2025-05-0{}T10:00:00Z".format
order = {"order_id": "1", "ordered_at": at(1), "revenue": 5.0}
item = {"order_id": "1", "product_id": "p", "quantity": 1.0}
event = {"event_id": "e", "occurred_at": at(2), "kind": "session"}
rows = {"orders": [order], "order_items": [item], "engagement": [event]}
asked = Customer.model_validate({"customer_id": "a"} | rows, strict=False)
settings = Settings(90, None, (14, 60))
found = feature_rows([asked], 1_767_225_600_000_000, settings, ("orders_ever", "sessions_decayed_14d"))
print(found["a"][0], {"pandas", "pyarrow", "duckdb", "scipy"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1.0 set()\n"
