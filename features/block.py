"""The block function: every feature of some customers, at every cutoff and today, from nothing but their own facts.

One machine, a Spark cluster and a test call this same function; what differs is only who carries the blocks.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

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
