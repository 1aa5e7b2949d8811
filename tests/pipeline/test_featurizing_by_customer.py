"""A block's events come in the order of the log, whatever order of customers and kinds they became known in."""

from __future__ import annotations

import numpy as np
import pytest

from features.kinds import KINDS
from pipeline.featurizing.by_customer import by_customer, numbered
from pipeline.featurizing.rows_on_disk import BARE_EVENT, EVENT


def rows(count: int, customers: int) -> np.ndarray:
    random = np.random.default_rng(3)
    made = np.empty(count, dtype=EVENT)
    made["customer"], made["kind"] = random.integers(0, customers, count), random.integers(0, len(KINDS), count)
    made["time"], made["value"] = np.arange(count) // 3, random.integers(0, 9, count)
    return made


@pytest.mark.parametrize("customers", [1, 50, 20_000])  # 20,000 times all kinds: more keys than 16 bits tell apart
def test_events_stand_by_kind_then_customer_then_as_they_became_known(customers: int) -> None:
    known, number = rows(30_000, customers), np.arange(customers)
    columns = numbered(by_customer(known, 0), number)
    order = np.lexsort((np.arange(len(known)), known["customer"], known["kind"]))
    assert {name: values.tolist() for name, values in columns.items()} == {
        name: known[name][order].tolist() for name in ("customer", "kind", "time", "value")
    }
    assert {values.dtype for values in columns.values()} == {np.dtype(np.int64)}


def test_what_came_since_is_merged_into_what_is_sorted() -> None:
    known = rows(2_000, 40)
    yesterday = by_customer(known[:1_900], 0)
    night = by_customer(np.concatenate([yesterday, known[1_900:]]), 1_900)
    assert night.tolist() == by_customer(known, 0).tolist()
    assert by_customer(night, 2_000) is night


def test_events_of_people_without_a_number_are_left_out() -> None:
    known = rows(500, 6)
    columns = numbered(by_customer(known, 0), np.array([-1, 0, -1, 1, 2, -1]))
    kept = known[np.isin(known["customer"], [1, 3, 4])]
    assert len(columns["time"]) == len(kept)
    for old, new in ((1, 0), (3, 1), (4, 2)):
        assert sorted(columns["time"][columns["customer"] == new]) == kept["time"][kept["customer"] == old].tolist()
    assert not len(numbered(by_customer(known, 0), np.full(6, -1))["time"])


def test_a_block_without_events_or_values_has_empty_columns() -> None:
    nothing = by_customer(np.zeros(0, dtype=BARE_EVENT), 0)
    assert set(numbered(nothing, np.zeros(0, dtype=np.int64))) == {"customer", "kind", "time"}
