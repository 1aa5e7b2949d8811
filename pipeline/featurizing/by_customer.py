"""Puts the events of a block in the order of the log: by kind, customer and time.

Rows lie as they became known, so that each customer's are in order of time already: to sort by kind and customer, equal
ones as they stand, is enough.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.kinds import KINDS
from features.log import Columns, Ints
from pipeline.featurizing.rows_on_disk import Rows

_BITS, _DIGIT = np.uint32(16), np.uint32(0xFFFF)
_BOUNDS = np.arange(len(KINDS) + 1, dtype=np.uint8)


def by_customer(rows: Rows, in_order: int) -> Rows:
    """The rows by kind and customer; so many at the start are in that order, and what came since follows."""
    if in_order == len(rows):
        return rows
    kind, people = np.ascontiguousarray(rows["kind"]), int(rows["customer"].max()) + 1
    if in_order:  # a merge, for which keys may be large
        start = np.arange(len(KINDS)) * people
    else:
        start = _without_gaps(np.bincount(kind, minlength=len(KINDS))) * people
    key = start.astype(np.uint32).take(kind) + rows["customer"].view(np.uint32)
    return rows.take(key.argsort(kind="stable") if in_order else _radix_order(key))


def numbered(rows: Rows, number: Ints) -> Columns:
    """Columns of sorted rows, of the customers who have a number (`number[customer]`, else -1)."""
    people = max(len(number), 1)
    of_kind = np.diff(np.ascontiguousarray(rows["kind"]).searchsorted(_BOUNDS))
    kinds = np.flatnonzero(of_kind)
    cell = (np.arange(len(kinds)) * people).repeat(of_kind[kinds]) + rows["customer"]
    events = np.bincount(cell, minlength=len(kinds) * people).reshape(len(kinds), people)
    own = number >= 0
    columns = {name: rows[name] for name in ("time", "value") if name in (rows.dtype.names or ())}
    if not own.all():
        chosen = np.flatnonzero(np.tile(own, len(kinds)).repeat(events.reshape(-1)))
        columns, events = {name: values.take(chosen) for name, values in columns.items()}, events[:, own]
    return {
        "customer": np.tile(number[own], len(kinds)).repeat(events.reshape(-1)),
        "kind": kinds.repeat(events.sum(axis=1)),
        **{name: np.ascontiguousarray(values) for name, values in columns.items()},
    }


def _without_gaps(events: Ints) -> Ints:
    """A number for each kind that occurs: fewer keys than with one for every kind."""
    return np.cumsum(events > 0) - 1


def _radix_order(keys: NDArray[np.uint32]) -> Ints:
    """The places of the keys in order, equal ones as they stand; NumPy sorts 16 bits by radix, in linear time."""
    place: Ints = (keys & _DIGIT).astype(np.uint16).argsort(kind="stable")
    if keys.max(initial=0) <= _DIGIT:
        return place
    return place.take((keys >> _BITS).astype(np.uint16).take(place).argsort(kind="stable"))
