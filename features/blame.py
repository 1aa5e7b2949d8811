"""Computes a column; when its feature breaks, says which feature it was and on which customer.

The rows are halved until one customer is left whose rows alone break it: some more calls, only when something is wrong.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from features.errors import DataError
from features.extra import place_of
from features.past import Column, Past
from features.registry import FeatureColumn


class BrokenFeatureError(DataError):
    """What a feature did wrong, before the customer is known."""


def guarded(column: FeatureColumn, past: Past) -> Column:
    """The column: a number, or NaN for missing, for each row; raises DataError naming the feature and the customer.

    What a built-in feature raises is a bug of this project and goes through as it is.
    """
    try:
        return _computed(column, past)
    except BrokenFeatureError as broken:
        raise DataError(_told(column, past, broken)) from broken.__cause__


def first_customer_that_breaks(breaks: Callable[[int, int], bool], customers: int) -> int | None:
    """The place of the first customer, found by halves, who alone breaks it; None when only several together do.

    `breaks(first, last)` says whether the customers from `first` up to and without `last` break it.
    """
    first, last = 0, customers
    while last - first > 1:
        middle = (first + last) // 2
        if breaks(first, middle):
            last = middle
        elif breaks(middle, last):
            first = middle
        else:
            return None
    return first if breaks(first, last) else None


def _computed(column: FeatureColumn, past: Past) -> Column:
    feature, rows = column.feature, len(past.rows.customer)
    try:
        values = np.asarray(feature.compute(past), dtype=np.float64)
    except Exception as error:
        if not feature.is_own:
            raise
        where = place_of(error, feature.compute.__code__.co_filename)
        raise BrokenFeatureError(f"raised {type(error).__name__}: {error} ({where})") from error
    if values.shape != (rows,):
        raise BrokenFeatureError(f"returned {values.shape} values for {rows} rows; it must return one value per row")
    if feature.is_own and np.isinf(values).any():
        raise BrokenFeatureError("returned an infinite value; divide with features.past.ratio, or give NaN for missing")
    return values


def _told(column: FeatureColumn, past: Past, broken: BrokenFeatureError) -> str:
    rows = past.rows
    customers = np.unique(rows.customer)

    def broken_by(first: int, last: int) -> BrokenFeatureError | None:
        some = rows.where(np.isin(rows.customer, customers[first:last]))
        return _fault(column, Past(some, past.days, past.horizon_days, past.ends_days, past.half_life_days))

    place = first_customer_that_breaks(lambda first, last: broken_by(first, last) is not None, len(customers))
    told = f"feature {column.name} ({column.feature.path})"
    if place is None:
        return f"{told} {broken}. Nobody breaks it alone, only several of these {len(customers)} customers together do."
    name = rows.log.customer_ids[int(customers[place])]
    fault = broken_by(place, place + 1) or broken
    return f"{told} {fault}. Customer {name!r} breaks it (found among {len(customers)}); mend the function."


def _fault(column: FeatureColumn, past: Past) -> BrokenFeatureError | None:
    try:
        _computed(column, past)
    except BrokenFeatureError as broken:
        return broken
    return None
