"""Rows of fixed width in one file per block: appended as they come, read back as columns of integers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.log import Ints

Rows = NDArray[np.void]
Narrow = Mapping[str, NDArray[np.integer]]

EVENT = np.dtype([("customer", "<i4"), ("kind", "u1"), ("time", "<i8"), ("value", "<i8")])
BARE_EVENT = np.dtype([("customer", "<i4"), ("kind", "u1"), ("time", "<i8")])
ORDER = np.dtype(
    [(name, "<i4" if name == "customer" else "<i8")
     for name in ("customer", "time", "revenue", "discount", "units", "order")]
)  # fmt: skip
ITEM = np.dtype([("order", "<i8"), ("product", "<i8"), ("category", "<i8")])


def append_by_block(folder: Path, block: NDArray[np.int32], columns: Narrow, kind: np.dtype[np.void]) -> None:
    """Append each row to the file of its block, in the order they come."""
    order = np.argsort(block.astype(np.uint16), kind="stable")  # a radix sort
    rows, ends = np.empty(len(order), dtype=kind), np.cumsum(np.bincount(block))
    for name in kind.names or ():
        rows[name] = columns[name].take(order)
    for number, (start, end) in enumerate(pairwise([0, *ends.tolist()])):
        if start < end:
            with file_of(folder, number).open("ab") as file:
                file.write(rows[start:end].data)


def read_rows(folder: Path, block: int, kind: np.dtype[np.void]) -> Rows:
    """All rows of a block; none when it has no file. Mapped, so that a huge block is not read at once."""
    path = file_of(folder, block)
    if not path.exists() or not path.stat().st_size:
        return np.zeros(0, dtype=kind)
    return np.asarray(np.memmap(path, dtype=kind, mode="r"))


def unpacked(rows: Rows) -> dict[str, Ints]:
    """Rows as int64 columns."""
    return {name: rows[name].astype(np.int64) for name in rows.dtype.names or ()}


def file_of(folder: Path, block: int) -> Path:
    """Where a block's rows lie."""
    return folder / f"{block:05d}.rows"


def column_of(folder: Path, block: int, name: str) -> Path:
    """Where a column of a block's sorted rows lies."""
    return folder / f"{block:05d}.{name}.npy"
