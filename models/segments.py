"""Five plain groups of customers, from the shopping rhythm alone; a shopping day with several orders counts once.

one order, new      one shopping day, within the last horizon
one order, quiet    one shopping day, longer ago
slipping            two or more, and silent for more than twice the own mean gap (and at least a month)
returning           two or three, in rhythm
loyal               four or more, in rhythm
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.btyd import Floats

NEW, QUIET, SLIPPING, RETURNING, LOYAL = "one order, new", "one order, quiet", "slipping", "returning", "loyal"
SILENT_GAPS = 2.0
SILENT_DAYS = 30.0
LOYAL_REPEATS = 3

BY_ORDERS = (("one order", 1.0, 1.0), ("2–3 orders", 2.0, 3.0), ("4+ orders", 4.0, np.inf))
FIRST_YEAR_DAYS = 365.0
FIRST_YEAR, LATER_YEARS = "in their first year", "in later years"


def segments(x: Floats, t_x: Floats, T: Floats, horizon_days: float) -> NDArray[np.object_]:
    """The group of each customer."""
    silence = T - t_x
    gap = t_x / np.maximum(x, 1.0)
    slipping = silence > np.maximum(SILENT_GAPS * gap, SILENT_DAYS)
    conditions = [(x == 0) & (silence <= horizon_days), x == 0, slipping, x < LOYAL_REPEATS]
    return np.select(conditions, [NEW, QUIET, SLIPPING, RETURNING], default=LOYAL).astype(object)


def customer_groups(orders: Floats, tenure_days: Floats | None = None) -> dict[str, NDArray[np.bool_]]:
    """The groups a model is judged by: one order so far, two or three, four or more; new and old, if that is known.

    Groups without anybody are left out, and so are new and old where everybody is the one or the other.
    """
    inside = {name: (orders >= low) & (orders <= high) for name, low, high in BY_ORDERS}
    if tenure_days is not None:
        by_age = {FIRST_YEAR: tenure_days < FIRST_YEAR_DAYS, LATER_YEARS: tenure_days >= FIRST_YEAR_DAYS}
        inside |= by_age if all(chosen.any() for chosen in by_age.values()) else {}
    return {name: chosen for name, chosen in inside.items() if chosen.any()}


def deciles(probability: Floats, customer_ids: NDArray[np.object_]) -> NDArray[np.int8]:
    """1 = most at risk … 10; sizes as equal as possible; the id breaks ties."""
    order = np.lexsort((customer_ids.astype(str), -probability))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return (1 + rank * 10 // max(len(order), 1)).astype(np.int8)
