"""Runs a part of the benchmark in a process of its own, pinned to two cores, and says how long and how large it was.

Only the work is timed. Imports are not, and before the clock starts every way has run once on a tiny shop, so that no
one pays for what it loads the first time.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

CORES = 2
MINUTES_S = 120.0
_PACKAGE = "benchmarks.feature_peers"
_THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS")


Arguments = tuple[object, ...]


@dataclass(frozen=True)
class Run:
    """One way's runs: the seconds of each, the largest peak memory, and what the last one told."""

    all_seconds: tuple[float, ...]
    peak_mb: float
    facts: dict[str, float]

    @property
    def seconds(self) -> float:
        """The median run."""
        return statistics.median(self.all_seconds)


def run_apart(way: str, *arguments: object, warm: Arguments | None = None, times: int = 1) -> Run:
    """Run `module:function` of this package, each time in a new process; `warm` are its arguments on a tiny shop.

    What takes minutes is run once: noise evens out in it.
    """
    runs = [_once(way, arguments, warm)]
    while len(runs) < times and runs[0][0] < MINUTES_S:
        runs.append(_once(way, arguments, warm))
    seconds, peaks, told = zip(*runs, strict=True)
    return Run(seconds, max(peaks), told[-1])


def _once(way: str, arguments: Arguments, warm: Arguments | None) -> tuple[float, float, dict[str, float]]:
    with ProcessPoolExecutor(1, get_context("spawn")) as own:
        return own.submit(_measured, way, arguments, warm).result()


def _measured(way: str, arguments: Arguments, warm: Arguments | None) -> tuple[float, float, dict[str, float]]:
    os.dup2(2, 1)  # stdout holds the lines of the benchmark and nothing else, also from libraries written in C
    os.environ.update(dict.fromkeys(_THREADS, str(CORES)))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    module, _, name = way.partition(":")
    function = getattr(import_module(f"{_PACKAGE}.{module}"), name)
    if warm is not None:
        function(*warm)
    started = time.perf_counter()
    value = function(*arguments)
    seconds = time.perf_counter() - started
    return seconds, _peak_mb(), value if isinstance(value, dict) else {"rows": value}


def _peak_mb() -> float:
    """Peak memory of this process; ru_maxrss would start with the parent's where the child is made by vfork."""
    try:
        with Path("/proc/self/status").open() as status:
            lines = dict(line.split(":", 1) for line in status)
        return float(lines["VmHWM"].split()[0]) / 1024
    except (FileNotFoundError, KeyError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
