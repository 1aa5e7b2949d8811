"""The dispatcher under faults, in short; benchmarks/faults.py does it longer.

What must hold each time: no message lost, none twice but to a receiver that knows its id, a touch for each sent one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fault_parts.crowd import live_beside_dead, replayed, workers_at_once
from benchmarks.fault_parts.kills import kill_often
from benchmarks.fault_parts.receivers import WAYS
from benchmarks.fault_parts.weather import MIXED, clock_jumping, database_restarted, disk_full, misbehaving

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("knows_ids", "kills"), [(True, 20), (False, 10)], ids=["ids known", "ids not known"])
def test_killed_at_every_state_change(tmp_path: Path, knows_ids: bool, kills: int) -> None:
    killed = kill_often(tmp_path, kills, knows_ids)
    assert killed.kills == kills
    assert killed.found.holds, killed
    assert set(killed.found.states) == ({"sent"} if knows_ids else {"sent", "unknown"})


def test_receivers_of_every_kind_at_once(tmp_path: Path) -> None:
    found = misbehaving(tmp_path, 120, MIXED)
    assert found.holds, found
    assert set(found.states) <= {"sent", "dead", "unknown"}
    assert found.states["sent"] > 20


def test_receivers_of_every_kind_that_know_no_ids(tmp_path: Path) -> None:
    found = misbehaving(tmp_path, 80, MIXED, knows_ids=False)
    assert found.holds, found
    assert found.states["unknown"] > 10


@pytest.mark.parametrize("way", ["hangs", "pours", "drips", "gone"])
def test_a_receiver_that_takes_its_time_or_wants_no_more(tmp_path: Path, way: str) -> None:
    assert way in WAYS
    found = misbehaving(tmp_path, 8, ("ok", way))
    assert found.holds, found


def test_the_database_restarted_in_the_middle() -> None:
    found, restarts = database_restarted(60, 1)
    assert restarts == 1
    assert found.holds, found
    assert found.states == {"sent": 60}


def test_a_full_disk(tmp_path: Path) -> None:
    found, said = disk_full(tmp_path, 20, (40_000,))
    assert "is its folder writable and its disk free" in said[0].lower()
    assert found.holds, found
    assert found.states == {"sent": 20}


def test_a_clock_that_jumps_both_ways(tmp_path: Path) -> None:
    found = clock_jumping(tmp_path, 20)
    assert found.holds, found
    assert found.states == {"sent": 20}


@pytest.mark.parametrize("workers", [2, 8])
def test_workers_at_once(tmp_path: Path, workers: int) -> None:
    found = workers_at_once(tmp_path, workers, 60)
    assert found.holds, found
    assert found.states == {"sent": 60}


def test_every_input_twice_and_shuffled_gives_the_same_state(tmp_path: Path) -> None:
    once, twice = replayed(tmp_path, seed=11)
    assert once == twice


def test_a_dead_destination_does_not_delay_a_live_one(tmp_path: Path) -> None:
    lanes = live_beside_dead(tmp_path, 400, timeout_seconds=3)
    assert lanes.beside_dead < 3 * lanes.alone + 2, lanes
