"""The block function: every feature of some customers, at every cutoff and today, from nothing but their own facts.

One machine, a Spark cluster and a test call this same function; what differs is only who carries the blocks.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.asof import Label, Settings, Snapshot, label, snapshot
from features.records import Records


@dataclass(frozen=True)
class Calendar:
    """When to look: the closed cutoffs, ascending, and `as_of`; microseconds UTC."""

    cutoffs_us: tuple[int, ...]
    as_of_us: int


@dataclass(frozen=True)
class BlockFeatures:
    """Rows of one block: labelled history at every cutoff, and the customers of today."""

    history: Snapshot
    outcome: Label
    current: Snapshot


def block_features(records: Records, calendar: Calendar, settings: Settings) -> BlockFeatures:
    """Features of one block; raises DataError naming the feature, and the customer, that broke it."""
    log = records.log()
    history = snapshot(log, calendar.cutoffs_us, settings)
    return BlockFeatures(
        history, label(history.rows, settings.horizon_days), snapshot(log, [calendar.as_of_us], settings)
    )


def block_of(customer_id: str, blocks: int) -> int:
    """Which of `blocks` a customer belongs to, for ever and on every machine: CRC-32 of the id, as Spark's `crc32`."""
    return zlib.crc32(customer_id.encode()) % blocks


def blocks_of(customer_ids: Sequence[str], blocks: int) -> NDArray[np.int32]:
    """`block_of` for each of many customers."""
    hashes = map(zlib.crc32, map(str.encode, customer_ids))
    return (np.fromiter(hashes, np.int64, len(customer_ids)) % blocks).astype(np.int32)
