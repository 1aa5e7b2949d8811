"""The leakage proof: what happens at or after a cutoff must not change a single bit of the features.

Runs on the shop's own log, for each cutoff: made-up events of every kind at the cutoff and after it; everything from
the cutoff on removed; rows and customers turned round. It compares times by itself, so that a fault in
`features.clock` cannot hide itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from features.asof import Settings, Snapshot, snapshot
from features.kinds import KINDS, ORDER
from features.log import DAY_US, MONEY_FIELDS, Columns, Ints
from features.records import Records

MADE_UP_AFTER_US = (0, 1, DAY_US, 30 * DAY_US)


@dataclass(frozen=True)
class Verdict:
    """Outcome of one attempt to leak: how many values changed, in which columns."""

    attempt: str
    rows: int
    changed_columns: tuple[str, ...]


def leakage_proof(records: Records, cutoffs_us: Sequence[int], settings: Settings) -> list[Verdict]:
    """Try every attempt at every cutoff; an engine that cannot see the future changes no column in any."""
    attempts: dict[str, Callable[[Records, int], Records]] = {
        "made-up events at and after the cutoff": with_future,
        "everything from the cutoff on removed": without_future,
        "rows and customers in another order": turned_round,
    }
    return [_verdict(name, attempt, records, cutoffs_us, settings) for name, attempt in attempts.items()]


def with_future(records: Records, cutoff_us: int) -> Records:
    """Every customer gets an event of every kind at the cutoff, a microsecond, a day and a month after it."""
    everyone = np.arange(len(records.customer_ids), dtype=np.int64)
    orders, engagement = records.orders, records.engagement
    for later in MADE_UP_AFTER_US:
        when = np.full(len(everyone), cutoff_us + later)
        amount = np.full(len(everyone), 12_345_678)
        orders = _extended(orders, {"customer": everyone, "time": when, **dict.fromkeys(MONEY_FIELDS, amount)})
        for code in range(KINDS.index(ORDER) + 1, len(KINDS)):
            kind = np.full(len(everyone), code)
            engagement = _extended(engagement, {"customer": everyone, "time": when, "kind": kind, "value": amount})
    return Records(records.customer_ids, orders, engagement, records.items)


def without_future(records: Records, cutoff_us: int) -> Records:
    """Only what happened before the cutoff."""
    past = records.orders["time"] < cutoff_us
    place = np.cumsum(past) - 1
    kept_items = past[records.items["order"]]
    items = {name: values[kept_items] for name, values in records.items.items()}
    engaged = records.engagement["time"] < cutoff_us
    return Records(
        records.customer_ids,
        {name: values[past] for name, values in records.orders.items()},
        {name: values[engaged] for name, values in records.engagement.items()},
        {**items, "order": place[items["order"]]},
    )


def turned_round(records: Records, cutoff_us: int) -> Records:  # noqa: ARG001 - one shape for every attempt
    """The same facts, rows in reverse order and customers numbered the other way round."""
    last_order, last_customer = len(records.orders["time"]) - 1, len(records.customer_ids) - 1
    orders, engagement, items = (
        {name: values[::-1] for name, values in columns.items()}
        for columns in (records.orders, records.engagement, records.items)
    )
    return Records(
        records.customer_ids[::-1],
        {**orders, "customer": last_customer - orders["customer"]},
        {**engagement, "customer": last_customer - engagement["customer"]},
        {**items, "order": last_order - items["order"]},
    )


def _verdict(
    name: str,
    attempt: Callable[[Records, int], Records],
    records: Records,
    cutoffs_us: Sequence[int],
    settings: Settings,
) -> Verdict:
    log, changed, rows = records.log(), dict[str, None](), 0
    for cutoff in cutoffs_us:
        honest = snapshot(log, [cutoff], settings)
        changed |= dict.fromkeys(_changed(honest, snapshot(attempt(records, cutoff).log(), [cutoff], settings)))
        rows += len(honest.values)
    return Verdict(name, rows, tuple(changed))


def _changed(honest: Snapshot, tempted: Snapshot) -> list[str]:
    if sorted(honest.customer_ids) != sorted(tempted.customer_ids):
        return list(honest.columns)
    left, right = (each.values[np.argsort(each.customer_ids)] for each in (honest, tempted))
    same = ((left == right) | (np.isnan(left) & np.isnan(right))).all(axis=0)
    return [column for column, held in zip(honest.columns, same, strict=True) if not held]


def _extended(columns: Columns, more: dict[str, Ints]) -> Columns:
    return {name: np.concatenate((columns[name], more[name])) for name in columns}
