"""Puts the events of a block in the order of the log: by kind, customer and time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.kinds import KINDS
from features.log import Columns, Ints
from pipeline.featurizing.rows_on_disk import Rows

_BITS, _DIGIT = np.uint32(16), np.uint32(0xFFFF)


def by_customer(rows: Rows, number: Ints) -> Columns:
    """Columns of the rows whose customer has a number (`number[customer]`, else -1), by kind and that number.

    Rows lie as they became known, so that each customer's are in order of time already: equal keys keep their order.
    """
    kinds = np.flatnonzero(np.bincount(rows["kind"], minlength=len(KINDS)))
    people = int(number.max(initial=-1)) + 1
    cells = len(kinds) * people
    first = np.zeros(len(KINDS), dtype=np.uint32)
    first[kinds] = np.arange(len(kinds)) * people
    # Who has no number comes behind all others.
    key = first.take(rows["kind"]) + np.where(number < 0, cells, number).astype(np.uint32).take(rows["customer"])
    events = np.bincount(key, minlength=cells)[:cells]
    place = _radix_order(key)[: events.sum()]
    return {
        "customer": np.tile(np.arange(people), len(kinds)).repeat(events),
        "kind": kinds.repeat(events.reshape(len(kinds), people).sum(axis=1)),
        **{name: rows[name].take(place) for name in ("time", "value") if name in (rows.dtype.names or ())},
    }


def _radix_order(keys: NDArray[np.uint32]) -> Ints:
    """The places of the keys in order, equal ones as they stand; NumPy sorts 16 bits by radix, in linear time."""
    place: Ints = (keys & _DIGIT).astype(np.uint16).argsort(kind="stable")
    if keys.max(initial=0) <= _DIGIT:
        return place
    return place.take((keys >> _BITS).astype(np.uint16).take(place).argsort(kind="stable"))
