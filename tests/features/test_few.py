"""Few rows are told of all windows at once, many one by one: the same bits, of what happened and what never did."""

from __future__ import annotations

import numpy as np
import pytest

from features.asof import snapshot
from features.few import AnswersAtOnce, end_to_end
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
        found += [past.of(kind).last("revenue") for kind in ("order", "of a kind that never happened")]
        found += [past.of(kind).longest("revenue") for kind in ("order", "of a kind that never happened")]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_few_rows_are_told_the_same_as_many(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    records = random_records(seed, customers=FEW_ROWS // 2, events=400)
    few, columns = told(records.log()), snapshot(records.log(), CUTOFFS, SETTINGS).values
    monkeypatch.setattr("features.grid.FEW_ROWS", 0)
    for at_once, one_by_one in zip(few, told(records.log()), strict=True):
        np.testing.assert_array_equal(at_once, one_by_one)
    np.testing.assert_array_equal(columns, snapshot(records.log(), CUTOFFS, SETTINGS).values)


def test_rows_are_few_up_to_a_number_of_customers_and_cutoffs() -> None:
    log = random_records(1, customers=FEW_ROWS // 2).log()
    ways = [type(Rows.everyone(log, [day * DAY_US for day in range(1, days)]).answers) for days in (2, 3, 4)]
    assert [way is AnswersAtOnce for way in ways] == [True, True, False]


def test_streams_end_to_end_are_one_with_a_kind_that_never_happened_behind_them(shop: Records) -> None:
    log = shop.log()
    joined = end_to_end(log)
    assert joined.kinds == (*(kind for stream in log.streams for kind in stream.kinds), "")
    assert joined.events == [*(count for stream in log.streams for count in stream.events), 0]
    for number, kind in enumerate(joined.kinds[:-1]):
        stream, own = log.places[kind]
        times = stream.time[stream.part(range(own, own + 1))]
        assert joined.time[joined.part(range(number, number + 1))].tolist() == times.tolist()
    assert end_to_end(EventLog((), ())).events == [0]
