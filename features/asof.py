"""Snapshots: every column of every customer in the population, as known strictly before each cutoff.

The one code path for training, nightly scoring and a single customer in a request: a request is a log of one customer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np
from numpy.typing import NDArray

from features.answers import COUNT
from features.blame import guarded
from features.grid import lines_of
from features.kinds import ORDER
from features.log import EventLog, Ints
from features.past import Past
from features.recipe import Notebook, Recipe
from features.registry import Compute, FeatureColumn, feature_columns
from features.registry import Settings as Settings
from features.rows import Rows


@dataclass(frozen=True)
class Snapshot:
    """`values[i, j]`: column j of customer `customer_ids[i]` as of `cutoffs_us[i]`; sorted by customer, cutoff."""

    cutoffs_us: Ints
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    rows: Rows

    @cached_property
    def customer_ids(self) -> tuple[str, ...]:
        """The customer of each row."""
        return tuple(map(self.rows.log.customer_ids.__getitem__, self.rows.customer.tolist()))


@dataclass(frozen=True)
class Label:
    """What each row's customer did in `[cutoff, cutoff + horizon)`."""

    churned: NDArray[np.int8]
    future_orders: NDArray[np.int32]
    future_revenue: NDArray[np.float64]


def snapshot(log: EventLog, cutoffs_us: Sequence[int], settings: Settings) -> Snapshot:
    """All columns for the population at each cutoff; raises DataError naming the feature and customer that broke."""
    plan = _plan(settings, feature_columns)
    rows = population(log, cutoffs_us, settings.active_days, plan.windows_days)
    by_column = _computed(plan, rows, settings.horizon_days)
    values = by_column.T  # each column contiguous: that is how it is made and stored
    np.copyto(values, plan.empty, where=np.isnan(values))
    return Snapshot(rows.cutoff, plan.names, values, rows)


def _computed(plan: _Plan, rows: Rows, horizon_days: int) -> NDArray[np.float64]:
    """All columns, by column and row."""
    by_column = np.empty((len(plan.names), len(rows.customer)))
    if not by_column.size:  # as the history of a night when no cutoff closes: nothing is worked out for nobody
        return by_column
    if rows.are_few:
        return plan.recipe.followed(rows)
    for (window_days, half_life_days), columns in plan.columns.items():
        past = Past(rows, window_days, horizon_days, half_life_days=half_life_days or 0)
        for place, compute in columns:
            by_column[place] = compute(past)
    return by_column


def population(
    log: EventLog, cutoffs_us: Sequence[int], active_days: int | None, windows_days: Sequence[int] = ()
) -> Rows:
    """The rows of a snapshot: customers with an order before the cutoff, the last one at most `active_days` ago."""
    everyone = Rows.everyone(log, cutoffs_us, [*windows_days, *([] if active_days is None else [active_days])])
    answers, start, end = everyone.window(active_days, 0)
    return everyone.where(answers.reach(ORDER, end) > answers.reach(ORDER, start))


def label(rows: Rows, horizon_days: int) -> Label:
    """Churned: no order in `[cutoff, cutoff + horizon)`. Only for cutoffs whose horizon is fully observed."""
    answers, start, end = rows.window(0, -horizon_days)
    orders = answers.total(ORDER, COUNT, start, end)
    return Label((orders == 0).astype(np.int8), orders.astype(np.int32), answers.sum(ORDER, "revenue", start, end))


@dataclass(frozen=True)
class _Plan:
    """What computes the columns of each window and half-life, and their places; their names and empty values.

    `windows_days` are the days before the cutoff at which windows begin and end.
    """

    columns: dict[tuple[int | None, int | None], list[tuple[int, Compute]]]
    names: tuple[str, ...]
    empty: NDArray[np.float64]
    windows_days: tuple[int, ...]
    recipe: Recipe


@cache
def _plan(settings: Settings, columns_of: Callable[[Settings], tuple[FeatureColumn, ...]]) -> _Plan:
    columns = columns_of(settings)
    days = {days for column in columns for days in (column.window_days, column.reach_days) if days}
    days |= {settings.active_days} if settings.active_days is not None else set()
    seen: dict[tuple[int | None, int | None], list[tuple[int, Compute]]] = {}
    notebook = Notebook(lines_of((0, *sorted(days))))
    for place, column in enumerate(columns):
        # A family's feature is tested here; the guard, a fifth of a request's time, is for what shops write.
        compute = partial(guarded, column) if column.feature.is_own else column.feature.compute
        seen.setdefault((column.window_days, column.half_life_days), []).append((place, compute))
        window = (column.window_days, settings.horizon_days, 0, column.half_life_days or 0)
        notebook.write(place, compute, window) if not column.feature.is_own else notebook.call(place, compute, window)
    return _Plan(
        seen,
        tuple(column.name for column in columns),
        np.array([np.nan if column.feature.empty is None else column.feature.empty for column in columns]),
        tuple(sorted(days)),
        notebook.recipe(),
    )
