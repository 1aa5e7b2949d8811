"""A recipe makes the columns that calls of the features make; what cannot be written down is called."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from features.grid import lines_of
from features.log import DAY_US
from features.past import Column, Past, ratio
from features.recipe import Notebook
from features.registry import feature_columns
from features.rows import Rows
from tests.features.conftest import SETTINGS, random_records

WINDOW = (30, 90, 0, 14)  # days, horizon, end, half-life
COMPUTED = {
    "a window against the one before": lambda past: past.of("order").sum("revenue") - past.earlier().of("order").sum(),
    "a window against all before": lambda past: ratio(past.of("session").count(), past.before().of("session").count()),
    "several kinds together": lambda past: past.of("session", "touch", "review").days_since_last(),
    "before the window": lambda past: past.before().of("session").days_since_last(),
    "the first before the window": lambda past: past.before().of("order").days_since_first(),
    "a field that the kind does not have": lambda past: past.of("session").total("products"),
    "the last": lambda past: past.of("order").last("revenue") + past.of("touch").last() + past.of("never").last(),
    "several kinds and a number": lambda past: np.fmax(past.of("session", "touch").days_since_first(), 30),
    "the first of several kinds": lambda past: past.of("session", "never", "order", "touch").days_since_first(),
    "a ratio that may be missing": lambda past: ratio(past.of("touch").sum(), past.of("session").count()),
    "a choice and a power": lambda past: np.where(past.of("order").count() > 1, past.of("order").mean("units") ** 2, 7),
    "fading": lambda past: np.sqrt(past.of("session").decayed() + past.of("order").decayed("revenue")),
    "the season": lambda past: past.horizon_phase() * past.horizon_share_in_months(1, 2),
    "what never happened": lambda past: past.of("order").count() + past.of("never").count(),
}
NOT_WRITTEN = {
    "a branch": lambda past: past.of("order").count() if past.of("order").count().any() else past.of("touch").count(),
    "no ufunc": lambda past: np.cumsum(past.of("order").count()),
    "a reduction": lambda past: past.of("order").count() - np.add.reduce(past.of("order").count()),
    "a power that is no square": lambda past: past.of("order").count() ** 3,
    "its rows": lambda past: past.rows.customer * 2.0,
    "a column of its own": lambda past: past.of("order").count() + np.arange(20.0),
    "days that nobody declared": lambda past: Past(past.rows, 41, 90).of("order").count(),
}


@pytest.fixture
def rows() -> Rows:
    return Rows.everyone(random_records(3, customers=20).log(), [450 * DAY_US], (30, 60))


def written(*computed: Callable[[Past], Column]) -> Notebook:
    notebook = Notebook(lines_of((0, 30, 60)))
    for place, compute in enumerate(computed):
        notebook.write(place, compute, WINDOW)
    return notebook


@pytest.mark.parametrize("compute", COMPUTED.values(), ids=COMPUTED)
def test_what_is_written_down_comes_out_as_from_a_call(compute: Callable[[Past], Column], rows: Rows) -> None:
    recipe = written(compute).recipe()
    assert not recipe.called
    np.testing.assert_array_equal(recipe.followed(rows), [compute(Past(rows, *WINDOW))])


@pytest.mark.parametrize("compute", NOT_WRITTEN.values(), ids=NOT_WRITTEN)
def test_what_cannot_be_written_down_is_called(compute: Callable[[Past], Column], rows: Rows) -> None:
    recipe = written(COMPUTED["fading"], compute).recipe()
    assert [place for place, _, _ in recipe.called] == [1]
    np.testing.assert_array_equal(recipe.followed(rows)[1], compute(Past(rows, *WINDOW)))


def test_a_feature_that_looks_at_its_one_number_is_called() -> None:
    def compute(past: Past) -> Column:
        return past.of("order").count() if past.of("order").count() > 2 else past.of("touch").count()

    recipe = written(compute).recipe()
    rows = Rows.everyone(random_records(3, customers=1).log(), [450 * DAY_US], (30, 60))
    np.testing.assert_array_equal(recipe.followed(rows), [compute(Past(rows, *WINDOW))])
    assert len(recipe.called) == 1


def test_alike_steps_are_one_call_and_the_same_step_is_made_once() -> None:
    recipe = written(
        lambda past: past.of("order").count() - 1.0,
        lambda past: past.of("session").count() - 1.0,
        lambda past: past.of("order").count() - 1.0,
    ).recipe()
    assert [(operation, out) for operation, _, out in recipe.operations] == [(np.subtract, slice(3, 5))]
    assert sorted(recipe.columns.tolist()) in ([3, 3, 4], [3, 4, 4])


def test_what_can_wait_is_made_in_one_call_with_what_comes_later() -> None:
    recipe = written(
        lambda past: past.of("order").count() / 2.0,
        lambda past: np.sqrt((past.of("session").count() + 1.0) / 3.0),
    ).recipe()
    assert [(operation, out.stop - out.start) for operation, _, out in recipe.operations] == [
        (np.add, 1),
        (np.divide, 2),
        (np.sqrt, 1),
    ]


def test_every_column_of_the_families_is_written_down() -> None:
    every = feature_columns(SETTINGS)
    days = {days for column in every for days in (column.window_days, column.reach_days) if days}
    notebook = Notebook(lines_of((0, *sorted(days))))
    for place, column in enumerate(every):
        notebook.write(place, column.feature.compute, (column.window_days, 90, 0, column.half_life_days or 0))
    assert not notebook.called
    assert len(notebook.columns) == len(every)
