"""All a decision knows about each customer, as aligned arrays; NaN and an empty zone mean unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from serving.history import Flags, Floats, History, Texts

Column = Floats | Flags | Texts
CHANNELS = ("email", "sms", "push")


@dataclass(frozen=True)
class Facts:
    """One row per customer.

    margin_money: margin over the horizon if kept; order_value_money: mean order value; consent: one column per channel
    of CHANNELS, 1 yes, 0 no, NaN unknown; the rest as in History.
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
    days_since_last_touch: Floats
    days_since_action: Floats
    open_ticket: Flags
    open_return: Flags

    @classmethod
    def of(cls, people: Mapping[str, Column], history: History) -> Facts:
        """Facts from what is known about the people (the fields that History has not) and their history."""
        known = {field.name: getattr(history, field.name) for field in fields(History)}
        return cls(**{**people, **known})

    def __len__(self) -> int:
        return len(self.customer_id)

    def rows(self) -> list[dict[str, object]]:
        """One mapping per customer, for JSON; NaN becomes None."""
        columns = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def facts_from_rows(rows: Sequence[Mapping[str, object]]) -> Facts:
    """The inverse of `Facts.rows`."""
    arrays = {field.name: _array(field.name, [row[field.name] for row in rows]) for field in fields(Facts)}
    return Facts(**arrays)  # type: ignore[arg-type]


def concatenate(parts: Sequence[Facts]) -> Facts:
    """The customers of all parts, one after another."""
    return Facts(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Facts)})


_TEXTS = ("customer_id", "timezone")
_FLAGS = ("suppressed", "open_ticket", "open_return")


def _plain(values: Column) -> list[object]:
    if values.dtype != np.float64:
        return list(values.tolist())
    empty = np.full(values.shape, None, dtype=object)
    return list(np.where(np.isnan(values), empty, values.astype(object)).tolist())


def _array(name: str, values: list[object]) -> Column:
    if name in _TEXTS:
        return np.array(values, dtype=object)
    return np.array(values, dtype=bool if name in _FLAGS else np.float64)
