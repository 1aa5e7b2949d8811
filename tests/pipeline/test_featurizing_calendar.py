"""The calendar in use follows the params, and by itself the end of the data."""

from __future__ import annotations

import itertools

import pytest

from features.log import DAY_US
from pipeline.featurizing.calendar import calendar_between, instant
from pipeline.params import Snapshots

PARAMS = {
    "horizon_days": 60,
    "active_days": 365,
    "every_days": 30,
    "max_cutoffs": 3,
    "as_of": None,
    "test_cutoff": None,
}
FIRST, LAST = instant("2024-01-01"), instant("2025-08-22T12:00:00")


def test_as_of_is_the_midnight_after_the_last_event() -> None:
    assert calendar_between(FIRST, LAST, Snapshots(**PARAMS)).as_of_us == instant("2025-08-23")


def test_the_latest_closed_cutoffs_are_used() -> None:
    cutoffs = calendar_between(FIRST, LAST, Snapshots(**PARAMS)).cutoffs_us
    assert len(cutoffs) == 3
    assert instant("2025-05-25") < cutoffs[-1] <= instant("2025-06-24")


def test_as_of_and_test_cutoff_come_from_the_params() -> None:
    params = {**PARAMS, "as_of": "2025-06-01", "test_cutoff": "2025-03-03", "every_days": 45}
    found = calendar_between(FIRST, LAST, Snapshots(**params))
    assert found.as_of_us == instant("2025-06-01")
    assert found.cutoffs_us[-1] == instant("2025-03-03")
    assert {later - earlier for earlier, later in itertools.pairwise(found.cutoffs_us)} == {45 * DAY_US}


@pytest.mark.parametrize(
    ("text", "moment"),
    [("1970-01-02", DAY_US), ("1970-01-02T02:00:00+02:00", DAY_US), ("1970-01-01T00:00:01", 1_000_000)],
)
def test_a_date_without_a_zone_is_utc(text: str, moment: int) -> None:
    assert instant(text) == moment
