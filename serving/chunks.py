"""Ids and rows by hundreds: a database takes only so many values in one query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

AT_ONCE = 500
Row = TypeVar("Row")


def chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in their order, in lists of at most AT_ONCE; none of nothing."""
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        yield some
