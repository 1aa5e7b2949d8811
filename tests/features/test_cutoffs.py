"""The calendar grid of cutoffs."""

from __future__ import annotations

import pytest

from features.cutoffs import closed_cutoffs, end_of_data
from features.errors import DataError
from features.log import DAY_US


def days(cutoffs: tuple[int, ...]) -> list[int]:
    return [cutoff // DAY_US for cutoff in cutoffs]


def test_cutoffs_lie_on_a_fixed_grid_and_their_horizon_is_over() -> None:
    assert days(closed_cutoffs(10 * DAY_US, 200 * DAY_US, 60, 30)) == [30, 60, 90, 120]


def test_a_later_as_of_keeps_the_cutoffs_of_yesterday() -> None:
    today = closed_cutoffs(10 * DAY_US, 200 * DAY_US, 60, 30)
    later = closed_cutoffs(10 * DAY_US, 215 * DAY_US, 60, 30)
    assert later[: len(today)] == today
    assert days(later) == [30, 60, 90, 120, 150]


def test_the_grid_is_laid_through_a_test_cutoff_and_ends_there() -> None:
    assert days(closed_cutoffs(10 * DAY_US, 200 * DAY_US, 60, 30, 77 * DAY_US)) == [17, 47, 77]


def test_a_test_cutoff_whose_horizon_is_open_is_refused() -> None:
    with pytest.raises(DataError, match="lies 1 days too late"):
        closed_cutoffs(0, 200 * DAY_US, 60, 30, 141 * DAY_US)


def test_fewer_than_two_closed_cutoffs_are_refused_with_the_spans() -> None:
    with pytest.raises(DataError, match=r"1 closed cutoff\(s\), and two are needed: the data spans 80 days"):
        closed_cutoffs(10 * DAY_US, 90 * DAY_US, 50, 30)


def test_a_horizon_longer_than_the_data_is_refused() -> None:
    with pytest.raises(DataError, match="0 closed cutoff"):
        closed_cutoffs(0, 80 * DAY_US, 365, 30)


@pytest.mark.parametrize(("last", "end"), [(0, 1), (DAY_US - 1, 1), (DAY_US, 2), (5 * DAY_US + 1, 6)])
def test_the_data_ends_at_the_midnight_after_the_last_event(last: int, end: int) -> None:
    assert end_of_data(last) == end * DAY_US
