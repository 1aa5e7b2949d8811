"""Time, memory and disk against the number of events, and what the curve says of a billion."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.feature_peers.apart import run_apart
from benchmarks.feature_peers.project import make_project, size_bytes
from benchmarks.feature_peers.shop import Shop

BILLION = 1_000_000_000
_GIGABYTE = 1e9
_BYTES_PER_EVENT = 150  # clean tables, store and features together, generously


@dataclass(frozen=True)
class Disk:
    """What lies on disk: the clean tables, the store of the log, the features."""

    clean_gb: float
    store_gb: float
    result_gb: float


@dataclass(frozen=True)
class Point:
    """One size and what it took."""

    events: int
    seconds: float
    peak_mb: float
    disk: Disk
    rows: int
    columns: int


def has_room(folder: Path, shop: Shop) -> bool:
    """Is there disk enough for a shop and its features?"""
    return shutil.disk_usage(folder).free > shop.events * _BYTES_PER_EVENT


def measured(folder: Path, shop: Shop, tiny: Path) -> Point:
    """One full run over a shop that is made for it and removed again."""
    project = folder / f"scale_{shop.events}"
    make_project(project)
    run_apart("shop:write_shop", project / "data/clean", shop)
    run = run_apart("engine:rebuild", project, warm=(tiny,))
    clean = size_bytes(project / "data/clean")
    shutil.rmtree(project)
    disk = Disk(clean / _GIGABYTE, run.facts["store_bytes"] / _GIGABYTE, run.facts["result_bytes"] / _GIGABYTE)
    return Point(shop.events, run.seconds, run.peak_mb, disk, int(run.facts["rows"]), int(run.facts["columns"]))


def extrapolated(before: Point, last: Point, events: int = BILLION) -> Point:
    """The same at more events: time and memory as they grew from one size to the next, disk and rows in proportion."""
    times, more = events / last.events, last.events / before.events
    # Never better than in proportion: a curve still bending from fixed costs must not promise more than it showed.
    seconds = last.seconds * times ** max(_power(last.seconds / before.seconds, more), 1.0)
    peak_mb = last.peak_mb * times ** max(_power(last.peak_mb / before.peak_mb, more), 0.0)
    disk = Disk(last.disk.clean_gb * times, last.disk.store_gb * times, last.disk.result_gb * times)
    return Point(events, seconds, peak_mb, disk, round(last.rows * times), last.columns)


def _power(growth: float, more_events: float) -> float:
    """The power of the number of events with which a cost grew: 1 is in proportion, 2 quadratic."""
    return math.log(growth) / math.log(more_events)
