"""The dispatcher under faults: no message lost, none twice but those marked unknown or sent again with the same id.

One line of JSON per fault: kill -9 at every state change, receivers that misbehave, the database restarted, a full
disk, a clock that jumps, many workers, every input twice and shuffled, 10,000 messages for a dead and a live
destination.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.fault_parts.crowd import live_beside_dead, replayed, workers_at_once
from benchmarks.fault_parts.kills import kill_often
from benchmarks.fault_parts.weather import MIXED, SLOW, clock_jumping, database_restarted, disk_full, misbehaving
from benchmarks.fault_parts.world import Findings

Line = dict[str, object]
DISK_SIZES = (4_096, 40_000, 90_000)


def killed(quick: bool, knows_ids: bool) -> Line:
    """Killed by kill -9 so often; half as often where the receiver knows no ids."""
    with _home() as home:
        kills = (20 if quick else 500) // (1 if knows_ids else 2)
        found = kill_often(home, kills, knows_ids)
    receiver = "ids known" if knows_ids else "ids not known"
    about = {"kills": found.kills, "points": found.points, "resent_with_the_same_id": found.resent}
    return _line(f"kill -9 at every state change, {receiver}", found.found) | about


def met(quick: bool, slow: bool) -> Line:
    """Receivers that misbehave in every way, drawn for each request."""
    with _home() as home:
        ways = SLOW if slow else MIXED
        found = misbehaving(home, (16 if slow else 120) if quick else (100 if slow else 2_000), ways)
    return _line("receivers that hang, drip or pour" if slow else "receivers that misbehave", found) | {"ways": ways}


def restarted(quick: bool) -> Line:
    """PostgreSQL stopped and started in the middle."""
    found, restarts = database_restarted(*((60, 1) if quick else (1_000, 8)))
    return _line("the database restarted in the middle", found) | {"restarts": restarts}


def filled(quick: bool) -> Line:
    """A disk that is full for the database."""
    with _home() as home:
        found, said = disk_full(home, 40, DISK_SIZES[1:2] if quick else DISK_SIZES)
    return _line("disk full", found) | {"said": said[0]}


def jumped(quick: bool) -> Line:
    """A clock that leaps up to an hour both ways."""
    with _home() as home:
        return _line("clock jumping both ways", clock_jumping(home, 20 if quick else 300))


def crowded(quick: bool, workers: int) -> Line:
    """So many workers over one outbox; a second arrival counts, whatever its id."""
    with _home() as home:
        found = workers_at_once(home, workers, 60 if quick else 1_000)
    return _line(f"{workers} workers at once", found) | {"workers": workers}


def repeated(quick: bool) -> Line:
    """Every input twice in drawn orders against once in order."""
    seeds = range(2 if quick else 20)
    different = 0
    for seed in seeds:
        with _home() as home:
            once, twice = replayed(home, seed)
            different += once != twice
    line: Line = {"name": "every input twice and shuffled", "ours": different, "theirs": 0, "unit": "other states"}
    return _promised(line, different == 0) | {"orders": len(seeds)}


def lanes(quick: bool) -> Line:
    """Half of the messages for a destination that never answers; the live one must be as fast as alone."""
    with _home() as home:
        found = live_beside_dead(home, 400 if quick else 10_000)
    ratio = found.alone / found.beside_dead
    line: Line = {"name": "a live destination beside a dead one", "ours": round(found.beside_dead, 2)}
    line |= {"peer": "the live one alone", "theirs": round(found.alone, 2), "unit": "s", "ratio": round(ratio, 2)}
    return line | {"target": 0.5, "holds": ratio >= 0.5, "messages": found.messages}


def main(arguments: list[str]) -> None:
    """Print a line per fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="as in the tests: within a minute on a quiet machine")
    quick = parser.parse_args(arguments).quick
    logging.disable(logging.WARNING)
    faults: list[Callable[[], Line]] = [
        lambda: killed(quick, True),
        lambda: killed(quick, False),
        lambda: met(quick, False),
        lambda: met(quick, True),
        lambda: restarted(quick),
        lambda: filled(quick),
        lambda: jumped(quick),
        lambda: crowded(quick, 2),
        lambda: crowded(quick, 8),
        lambda: repeated(quick),
        lambda: lanes(quick),
    ]
    for fault in faults:
        started = time.monotonic()
        line = fault()
        line |= {"seconds": round(time.monotonic() - started, 1), "cores": os.cpu_count()}
        print(json.dumps(line), flush=True)


def _line(name: str, found: Findings) -> Line:
    broken = len(found.lost) + len(found.twice) + len(found.untold) + found.forged
    line: Line = {"name": name, "ours": broken, "theirs": 0, "unit": "messages lost, twice or untold"}
    return _promised(line, found.holds) | {"messages": sum(found.states.values()), "states": dict(found.states)}


def _promised(line: Line, holds: bool) -> Line:
    return line | {"peer": "the promise", "ratio": 1.0 if holds else 0.0, "target": 1.0, "holds": holds}


@contextmanager
def _home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="faults"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
