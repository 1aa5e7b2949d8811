"""All a decision knows about each customer, as aligned arrays; NaN and an empty zone mean unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.history import Flags, Floats, History, Texts
from serving.policy import CHANNELS as WAYS

Column = Floats | Flags | Texts
# What a person can agree to; a task is for a colleague and needs one of these.
CHANNELS = ("email", "sms", "push")
_LATER: NDArray[Any] = np.empty(0)


@dataclass(frozen=True)
class Facts:
    """One row per customer.

    margin_money: margin over the horizon if kept; order_value_money: mean order value; consent: one column per channel
    of CHANNELS, 1 yes, 0 no, NaN unknown; mean_gap_days: own mean gap between orders; blocked: one column per channel
    of the policy; open_message: a message to the person waits to be sent; the rest as in History.
    """

    customer_id: Texts
    churn_probability: Floats
    margin_money: Floats
    order_value_money: Floats
    orders: Floats
    days_since_last_order: Floats
    consent: Floats
    timezone: Texts
    suppressed: Flags
    touches: Floats
    asks: Floats
    touches_30d: Floats
    touches_today: Floats
    days_since_last_touch: Floats
    days_since_action: Floats
    open_ticket: Flags
    open_return: Flags
    mean_gap_days: Floats = field(default_factory=lambda: _LATER)
    blocked: Flags = field(default_factory=lambda: _LATER)
    open_message: Flags = field(default_factory=lambda: _LATER)

    def __post_init__(self) -> None:
        """What was not given is unknown, or not so."""
        size = len(self.customer_id)
        usual = {
            "mean_gap_days": np.full(size, np.nan),
            "blocked": np.zeros((size, len(WAYS)), dtype=bool),
            "open_message": np.zeros(size, dtype=bool),
        }
        for name, values in usual.items():
            if getattr(self, name) is _LATER:
                object.__setattr__(self, name, values)

    @classmethod
    def of(cls, people: Mapping[str, Column], history: History) -> Facts:
        """Facts from what is known about the people (the fields that History has not) and their history."""
        known = {each.name: getattr(history, each.name) for each in fields(History)}
        return cls(**{**people, **known})

    def __len__(self) -> int:
        return len(self.customer_id)

    def rows(self) -> list[dict[str, object]]:
        """One mapping per customer, for JSON; NaN becomes None."""
        columns = {each.name: _plain(getattr(self, each.name)) for each in fields(self)}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def facts_from_rows(rows: Sequence[Mapping[str, object]]) -> Facts:
    """The inverse of `Facts.rows`."""
    known = [name for name in _NAMES if name in rows[0] or name not in _OPTIONAL]
    return Facts(**{name: _array(name, [row[name] for row in rows]) for name in known})  # type: ignore[arg-type]


def concatenate(parts: Sequence[Facts]) -> Facts:
    """The customers of all parts, one after another."""
    return Facts(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Facts)})


_TEXTS = ("customer_id", "timezone")
_FLAGS = ("suppressed", "open_ticket", "open_return", "blocked", "open_message")
_OPTIONAL = ("mean_gap_days", "blocked", "open_message")
_NAMES = tuple(each.name for each in fields(Facts))


def _plain(values: Column) -> list[object]:
    if values.dtype != np.float64:
        return list(values.tolist())
    empty = np.full(values.shape, None, dtype=object)
    return list(np.where(np.isnan(values), empty, values.astype(object)).tolist())


def _array(name: str, values: list[object]) -> Column:
    if name in _TEXTS:
        return np.array(values, dtype=object)
    return np.array(values, dtype=bool if name in _FLAGS else np.float64)
