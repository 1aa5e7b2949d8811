"""Few rows are told of all windows at once, many one by one: the same bits, of what happened and what never did."""

from __future__ import annotations

import numpy as np
import pytest

from features.asof import snapshot
from features.grid import FEW_ROWS
from features.log import DAY_US, EventLog
from features.past import Past
from features.records import Records
from features.rows import Rows
from tests.features.conftest import SETTINGS, random_records

CUTOFFS = [300 * DAY_US, 450 * DAY_US + 5]
WINDOWS = [(30, 0), (90, 0), (30, 30), (None, 0), (77, 5)]  # nobody declares 77 days: a grid of their own
KINDS = ["order", "occasion", "session", "touch", "of a kind that never happened"]


def told(log: EventLog) -> list[np.ndarray]:
    """Every reduction of some kinds in some windows."""
    rows = Rows.everyone(log, CUTOFFS, (30, 60, 90))
    found = []
    for days, ends_days in WINDOWS:
        past = Past(rows, days, 90, ends_days, half_life_days=14)
        for events in map(past.of, KINDS):
            found += [events.count(), events.total("products"), events.sum("revenue"), events.decayed()]
            found += [events.days_since_last(), events.days_since_first(), events.days_from_first_to(1)]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_few_rows_are_told_the_same_as_many(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    records = random_records(seed, customers=FEW_ROWS // 2, events=400)
    few, columns = told(records.log()), snapshot(records.log(), CUTOFFS, SETTINGS).values
    for module in ("rows", "grid"):
        monkeypatch.setattr(f"features.{module}.FEW_ROWS", 0)
    for at_once, one_by_one in zip(few, told(records.log()), strict=True):
        np.testing.assert_array_equal(at_once, one_by_one)
    np.testing.assert_array_equal(columns, snapshot(records.log(), CUTOFFS, SETTINGS).values)


def test_an_answer_given_to_several_cannot_be_written_to(shop: Records) -> None:
    for customers in (2, 60):
        rows = Rows.everyone(EventLog(shop.customer_ids[:customers], ()), CUTOFFS)
        with pytest.raises(ValueError, match="read-only"):
            Past(rows, None, 90).of("order").count()[:] = 0


def test_nothing_is_worked_out_for_nobody(shop: Records) -> None:
    log = shop.log()
    found = snapshot(log, [], SETTINGS)
    assert found.values.shape == (0, len(found.columns))
    assert "totals" not in vars(log.of("order"))
