"""Laws that hold for every feature at once: blind to the future, blind to row order, the same alone as in a batch.

The shop's own features, those of `features.extra` in params.yaml, are held to them as the families are.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.asof import Snapshot, snapshot
from features.kinds import KINDS
from features.log import DAY_US, EventLog
from features.reading import log_from_records
from features.records import Records
from features.registry import UNITS, declared, feature_columns
from pipeline.event_log import blocks, sample
from pipeline.featurizing.leakage import attempts
from pipeline.params import load_params
from tests.features.conftest import SETTINGS as FAMILIES_ONLY
from tests.features.conftest import random_records
from tests.pipeline.clean_shop import clean_shop

EXTRA = tuple(load_params(Path(__file__).parents[2] / "params.yaml").features.extra)
SETTINGS = dataclasses.replace(FAMILIES_ONLY, extra=EXTRA)
CUTOFFS = [200 * DAY_US, 320 * DAY_US + 5, 450 * DAY_US]


def assert_same(one: Snapshot, other: Snapshot) -> None:
    assert one.customer_ids == other.customer_ids
    np.testing.assert_array_equal(one.values, other.values)


@pytest.mark.parametrize("feature", declared(EXTRA), ids=lambda feature: feature.name)
def test_every_feature_says_what_it_is_and_in_which_unit(feature) -> None:
    assert feature.unit in UNITS
    assert feature.doc.endswith(".")
    assert len(feature.doc) > 20


def test_there_are_at_least_eighty_columns_over_all_families() -> None:
    columns = feature_columns(FAMILIES_ONLY)
    assert len(columns) >= 80
    assert len({column.feature.family for column in columns}) == 18
    assert len({column.name for column in columns}) == len(columns)


def test_nothing_known_at_or_after_a_cutoff_changes_any_feature(shop: Records) -> None:
    verdicts = list(attempts(clean_shop(shop), CUTOFFS, SETTINGS))
    assert [verdict.changed_columns for verdict in verdicts] == [()] * 5
    assert all(verdict.rows > 100 for verdict in verdicts)


def test_a_late_fact_counts_from_the_moment_it_was_known() -> None:
    order = {"customer_id": "c", "order_id": "1", "ordered_at": 10 * DAY_US}
    late = {"customer_id": "c", "kind": "refund", "occurred_at": 20 * DAY_US, "known_at": 40 * DAY_US, "value": 5}
    known = snapshot(log_from_records([order], [late]), [30 * DAY_US, 41 * DAY_US], SETTINGS)
    assert known.values[:, known.columns.index("refunds_90d")].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("size", [1, 7, 60])
def test_the_size_of_a_block_changes_nothing(shop: Records, size: int) -> None:
    whole = snapshot(shop.log(), CUTOFFS, SETTINGS)
    parts = [snapshot(block.log(), CUTOFFS, SETTINGS) for block in blocks(shop, size)]
    assert tuple(customer for part in parts for customer in part.customer_ids) == whole.customer_ids
    np.testing.assert_array_equal(np.vstack([part.values for part in parts]), whole.values)


def test_a_customer_alone_from_request_rows_equals_the_batch_row(shop: Records) -> None:
    whole = snapshot(shop.log(), CUTOFFS, SETTINGS)
    for number in range(0, 60, 5):
        alone = snapshot(request_log(shop, number), CUTOFFS, SETTINGS)
        rows = [place for place, name in enumerate(whole.customer_ids) if name == shop.customer_ids[number]]
        np.testing.assert_array_equal(alone.values, whole.values[rows])


def request_log(shop: Records, number: int) -> EventLog:
    """The customer's facts as an endpoint receives them."""
    name, own = shop.customer_ids[number], np.flatnonzero(shop.orders["customer"] == number)
    orders = [
        {"customer_id": name, "order_id": str(row), "ordered_at": int(shop.orders["time"][row])}
        | {field: int(shop.orders[field][row]) / 10_000 for field in ("revenue", "discount", "units")}
        for row in own
    ]
    engagement = [
        {
            "customer_id": name,
            "kind": KINDS[int(shop.engagement["kind"][row])],
            "occurred_at": int(shop.engagement["time"][row]),
            "value": int(shop.engagement["value"][row]) / 10_000,
        }
        for row in np.flatnonzero(shop.engagement["customer"] == number)
    ]
    items = [
        {"order_id": str(order), "product_id": str(product), "category": str(category), "quantity": 1}
        for order, product, category in zip(
            shop.items["order"], shop.items["product"], shop.items["category"], strict=True
        )
    ]
    return log_from_records(orders, engagement, items)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_input_rows_changes_nothing(seed: int) -> None:
    records = random_records(seed, customers=8, orders=40, events=200)
    random = np.random.default_rng(seed)
    orders, engagement = random.permutation(40), random.permutation(200)
    place = np.argsort(orders)
    shuffled = Records(
        records.customer_ids,
        {name: values[orders] for name, values in records.orders.items()},
        {name: values[engagement] for name, values in records.engagement.items()},
        {**records.items, "order": place[records.items["order"]]},
    )
    assert_same(snapshot(records.log(), CUTOFFS, SETTINGS), snapshot(shuffled.log(), CUTOFFS, SETTINGS))


def test_a_sample_of_customers_keeps_their_rows_as_they_were(shop: Records) -> None:
    whole, some = snapshot(shop.log(), CUTOFFS, SETTINGS), sample(shop, 9)
    assert len(some.customer_ids) == 9
    part = snapshot(some.log(), CUTOFFS, SETTINGS)
    rows = [place for place, name in enumerate(whole.customer_ids) if name in some.customer_ids]
    np.testing.assert_array_equal(part.values, whole.values[rows])
