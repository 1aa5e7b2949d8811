"""The events of a block in the order of the log: by kind, customer and time, with their number for every customer.

Rows lie as they became known, so that each customer's are in order of time already: to sort by kind and customer, equal
ones as they stand, is enough, and what comes later stands behind what a customer did before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.kinds import KINDS
from features.log import Columns, Ints
from pipeline.featurizing.rows_on_disk import Rows, column_of

FIELDS = ("time", "value")
_BITS, _DIGIT = np.uint32(16), np.uint32(0xFFFF)


@dataclass(frozen=True)
class ByCustomer:
    """Events by kind, customer and time: `events[kind, customer]` counts them, the `columns` tell of each."""

    events: NDArray[np.int32]
    columns: Columns

    def __len__(self) -> int:
        return len(self.columns["time"])

    @classmethod
    def read(cls, folder: Path, block: int, kind: np.dtype[np.void]) -> ByCustomer:
        """What was written of a block, none at first; mapped, so that a huge block is not read at once."""
        fields = [name for name in FIELDS if name in (kind.names or ())]
        if not column_of(folder, block, "events").exists():
            return cls(np.zeros((len(KINDS), 0), dtype=np.int32), dict.fromkeys(fields, np.zeros(0, dtype=np.int64)))
        events, *columns = (
            np.asarray(np.load(column_of(folder, block, name), mmap_mode="r")) for name in ("events", *fields)
        )
        return cls(events, dict(zip(fields, columns, strict=True)))

    def write(self, folder: Path, block: int) -> None:
        """Replace what was written of a block; what was mapped of it stays readable."""
        arrays: dict[str, NDArray[np.integer]] = {"events": self.events, **self.columns}
        for name, values in arrays.items():
            path = column_of(folder, block, name)
            path.unlink(missing_ok=True)
            np.save(path, values)

    def then(self, rows: Rows) -> ByCustomer:
        """These events, and behind each customer's what they did since."""
        if not len(rows):
            return self
        kind, before = np.ascontiguousarray(rows["kind"]), self.events.shape[1]
        people = max(before, int(rows["customer"].max()) + 1)
        kinds = np.flatnonzero(np.bincount(kind, minlength=len(KINDS)))
        start = np.zeros(len(KINDS), dtype=np.uint32)
        start[kinds] = np.arange(len(kinds)) * people  # without gaps: fewer keys than with one for every kind
        key = start.take(kind) + rows["customer"].view(np.uint32)
        order, new = _radix_order(key), np.bincount(key, minlength=len(kinds) * people)
        events = np.zeros((len(KINDS), people), dtype=np.int32)
        events[:, :before] = self.events
        columns = {name: rows[name].take(order) for name in self.columns}
        if len(self):
            ends = np.cumsum(events).reshape(events.shape)[kinds].reshape(-1).repeat(new)
            columns = {name: np.insert(self.columns[name], ends, values) for name, values in columns.items()}
        events[kinds] += new.reshape(-1, people).astype(np.int32)
        return ByCustomer(events, columns)

    def numbered(self, number: Ints) -> Columns:
        """As columns, of the customers who have a number (`number[customer]`, else -1)."""
        kinds = np.flatnonzero(self.events.any(axis=1))
        events, number = self.events[kinds], number[: self.events.shape[1]]
        customer = np.tile(number, len(kinds)).repeat(events.reshape(-1))
        columns = {"customer": customer, **self.columns}
        own = number >= 0
        if not own.all():
            chosen = np.flatnonzero(customer >= 0)
            columns, events = {name: values.take(chosen) for name, values in columns.items()}, events[:, own]
        return {**columns, "kind": kinds.repeat(events.sum(axis=1))}


def _radix_order(keys: NDArray[np.uint32]) -> Ints:
    """The places of the keys in order, equal ones as they stand; NumPy sorts 16 bits by radix, in linear time."""
    place: Ints = (keys & _DIGIT).astype(np.uint16).argsort(kind="stable")
    if keys.max(initial=0) <= _DIGIT:
        return place
    return place.take((keys >> _BITS).astype(np.uint16).take(place).argsort(kind="stable"))
