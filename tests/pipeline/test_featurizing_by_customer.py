"""A block's events come in the order of the log, whatever order of customers and kinds they became known in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.kinds import KINDS
from pipeline.featurizing.by_customer import ByCustomer
from pipeline.featurizing.rows_on_disk import BARE_EVENT, EVENT


def rows(count: int, customers: int) -> np.ndarray:
    random = np.random.default_rng(3)
    made = np.empty(count, dtype=EVENT)
    made["customer"], made["kind"] = random.integers(0, customers, count), random.integers(0, len(KINDS), count)
    made["time"], made["value"] = np.arange(count) // 3, random.integers(0, 9, count)
    return made


def nothing(kind: np.dtype[np.void] = EVENT) -> ByCustomer:
    return ByCustomer.read(Path("nowhere"), 0, kind)


def listed(events: ByCustomer, number: np.ndarray) -> dict[str, list[int]]:
    return {name: values.tolist() for name, values in events.numbered(number).items()}


@pytest.mark.parametrize("customers", [1, 50, 20_000])  # 20,000 times all kinds: more keys than 16 bits tell apart
def test_events_stand_by_kind_then_customer_then_as_they_became_known(customers: int) -> None:
    known, number = rows(30_000, customers), np.arange(customers)
    columns = nothing().then(known).numbered(number)
    order = np.lexsort((np.arange(len(known)), known["customer"], known["kind"]))
    assert {name: values.tolist() for name, values in columns.items()} == {
        name: known[name][order].tolist() for name in ("customer", "kind", "time", "value")
    }
    assert {values.dtype for values in columns.values()} == {np.dtype(np.int64)}


@pytest.mark.parametrize("yesterday", [0, 1, 30, 1_900])  # after 30 rows most customers and some kinds are new
def test_what_came_since_stands_behind_what_a_customer_did_before(yesterday: int) -> None:
    known, number = rows(2_000, 40), np.arange(40)
    before = nothing().then(known[:yesterday])
    assert listed(before.then(known[yesterday:]), number) == listed(nothing().then(known), number)
    assert before.then(known[:0]) is before


def test_what_is_written_is_read_again_and_may_be_replaced_while_it_is_read(tmp_path: Path) -> None:
    known, number = rows(2_000, 40), np.arange(40)
    nothing().then(known[:1_000]).write(tmp_path, 7)
    first = ByCustomer.read(tmp_path, 7, EVENT)
    first.then(known[1_000:]).write(tmp_path, 7)
    assert listed(first, number) == listed(nothing().then(known[:1_000]), number)
    assert listed(ByCustomer.read(tmp_path, 7, EVENT), number) == listed(nothing().then(known), number)
    assert not len(ByCustomer.read(tmp_path, 8, EVENT))


def test_events_of_people_without_a_number_are_left_out() -> None:
    known = rows(500, 6)
    columns = nothing().then(known).numbered(np.array([-1, 0, -1, 1, 2, -1]))
    kept = known[np.isin(known["customer"], [1, 3, 4])]
    assert len(columns["time"]) == len(kept)
    for old, new in ((1, 0), (3, 1), (4, 2)):
        assert sorted(columns["time"][columns["customer"] == new]) == kept["time"][kept["customer"] == old].tolist()
    assert not len(nothing().then(known).numbered(np.full(6, -1))["time"])


def test_a_block_without_events_or_values_has_empty_columns() -> None:
    assert set(nothing(BARE_EVENT).numbered(np.zeros(0, dtype=np.int64))) == {"customer", "kind", "time"}
    assert set(nothing().numbered(np.arange(3))) == {"customer", "kind", "time", "value"}
