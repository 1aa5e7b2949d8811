"""Reads rows as a request carries them, dictionaries by canonical column name, into a log.

A column at a time: a thousand rows are read faster by a pass of C for each column than row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from operator import contains, itemgetter

import numpy as np

from features.kinds import KINDS, unknown_kind
from features.log import MONEY_FIELDS, SCALE, Columns, EventLog, Ints, build_log

Rows = Sequence[Mapping[str, object]]
_UNKNOWN = -1
_KIND_CODE = {kind: code for code, kind in enumerate(KINDS)}


def log_from_records(orders: Rows, engagement: Rows, order_items: Rows = ()) -> EventLog:
    """A log from rows with canonical column names; times are integer microseconds UTC, money anything `float` takes.

    `known_at` defaults to when the fact happened; rows with a true `is_machine` are left out.
    """
    human = _human(engagement)
    name_of = {customer: str(customer) for customer in {row["customer_id"] for rows in (orders, human) for row in rows}}
    ids = sorted(set(name_of.values()))
    number = {name: place for place, name in enumerate(ids)}
    index = {customer: number[name] for customer, name in name_of.items()}
    money = _ten_thousandths([value for name in MONEY_FIELDS for value in _field(orders, name)])
    return build_log(
        ids,
        {
            "customer": _customers(orders, index),
            "time": _known(orders, "ordered_at"),
            **dict(zip(MONEY_FIELDS, money.reshape(len(MONEY_FIELDS), len(orders)), strict=True)),
        },
        {
            "customer": _customers(human, index),
            "time": _known(human, "occurred_at"),
            "kind": _kinds(human),
            "value": _ten_thousandths(_field(human, "value")),
        },
        _items(orders, order_items),
    )


def _human(rows: Rows) -> Rows:
    try:
        if not any(map(itemgetter("is_machine"), rows)):
            return rows
    except KeyError:  # some rows do not say
        pass
    return [row for row in rows if not row.get("is_machine")]


def _kinds(rows: Rows) -> Ints:
    try:
        codes = bytes([_KIND_CODE[row["kind"]] for row in rows])  # type: ignore[index]
    except KeyError as error:
        places = (place for place, row in enumerate(rows) if row["kind"] not in _KIND_CODE)
        raise unknown_kind(error.args[0], f"engagement row {next(places)}") from error
    return np.frombuffer(codes, np.uint8).astype(np.int64)


def _items(orders: Rows, order_items: Rows) -> Columns:
    place_of = {str(row.get("order_id")): place for place, row in enumerate(orders)}
    order = [place_of.get(str(row["order_id"]), _UNKNOWN) for row in order_items]
    if _UNKNOWN in order:
        order_items = [row for place, row in zip(order, order_items, strict=True) if place != _UNKNOWN]
        order = [place for place in order if place != _UNKNOWN]
    return {
        "order": _ints(order),
        "product": _codes([row["product_id"] for row in order_items]),
        "category": _codes([row.get("category") or "" for row in order_items]),
    }


def _customers(rows: Rows, index: Mapping[object, int]) -> Ints:
    if len(index) == 1:  # a request: no need to look up the same customer a thousand times
        return np.zeros(len(rows), dtype=np.int64)
    return _ints([index[row["customer_id"]] for row in rows])


def _field(rows: Rows, name: str) -> list[object]:
    """A field of each row, None where there is none."""
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return [row.get(name) for row in rows]


def _ten_thousandths(values: list[object]) -> Ints:
    """Numbers, decimals or text as whole counts of ten-thousandths; None counts as 0."""
    numbers = np.fromiter(values, np.float64, len(values))  # None becomes NaN
    numbers[np.isnan(numbers)] = 0.0
    return np.rint(numbers * SCALE).astype(np.int64)


def _ints(values: list[int]) -> Ints:
    return np.fromiter(values, np.int64, len(values))  # twice as fast as np.array, which first looks what they are


def _codes(names: list[object]) -> Ints:
    codes: dict[str, int] = {}
    return _ints([codes.setdefault(str(name), len(codes)) for name in names])


def _known(rows: Rows, happened: str) -> Ints:
    if not any(map(contains, rows, repeat("known_at"))):
        return np.fromiter(map(itemgetter(happened), rows), np.int64, len(rows))
    return _ints([row[happened] if row.get("known_at") is None else row["known_at"] for row in rows])  # type: ignore[misc]
