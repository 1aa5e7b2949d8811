"""kill -9 at every state change: processes are forked from one that has all loaded, and die at a drawn point.

The points: inside the claim before its commit, after it, with requests on their way, after the answers, inside the
finish before its commit, after it. Each next process has a clock on which the leases of the one before have run out.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fault_parts.receivers import receiving
from benchmarks.fault_parts.world import (
    LEASE_SECONDS,
    SECOND_US,
    Findings,
    dispatch_of,
    judge,
    webhook,
    workers,
    write_people,
)
from serving.dispatch import lanes as lanes_module
from serving.dispatch.__main__ import run
from serving.inbox.database import open_database
from serving.settings import Places
from tests.serving.outbox_rows import NOW_US

ROOT = Path(__file__).parents[2]
POINTS = ("claiming", "claimed", "in flight", "sent", "finishing", "finished")
STEP_US = (LEASE_SECONDS + 1) * SECOND_US
LATEST_US = 8 * 3600 * SECOND_US  # of the day: quiet hours begin after
MESSAGES_PER_KILL = 3


@dataclass(frozen=True)
class Killed:
    """How often, where, and what was left of it; `resent` messages came in more than once."""

    kills: int
    points: dict[str, int]
    resent: int
    messages: int
    seconds: float
    found: Findings


def kill_often(home: Path, kills: int, knows_ids: bool, seed: int = 7) -> Killed:
    """Kill a dispatcher so often in the middle of its work, let the last one finish, and look."""
    started, url = time.monotonic(), f"sqlite:///{home / 'inbox.db'}"
    engine = open_database(url)
    names = write_people(engine, kills * MESSAGES_PER_KILL)
    engine.dispose()
    with receiving("ok", seed=seed) as receiver:
        task = {"home": str(home), "url": url, "to": receiver.url, "kills": kills, "knows_ids": knows_ids, "seed": seed}
        command = [sys.executable, "-m", "benchmarks.fault_parts.kills", json.dumps(task)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        points = json.loads(done.stdout.splitlines()[-1])
        found = judge(open_database(url), receiver, knows_ids)
        resent = sum(count > 1 for count in receiver.arrived.values())
    return Killed(sum(points.values()), points, resent, len(names), time.monotonic() - started, found)


def _fork_and_kill(task: dict[str, str | int | bool]) -> Counter[str]:
    """In a process without threads: children, one after the other; counts who really died, by point."""
    draws, points, turn = random.Random(int(task["seed"])), Counter[str](), 0
    while points.total() < int(task["kills"]):
        point, nth = draws.choice(POINTS), draws.randrange(3)
        if _died(task, turn, (point, nth)):
            points[point] += 1
        turn += 1
        if turn > 20 * int(task["kills"]):
            raise RuntimeError(f"only {points.total()} of {task['kills']} kills came about")
    for _ in range(3):  # what the last one left behind, and once more
        turn += 1
        if _died(task, turn, None):
            raise RuntimeError("a dispatcher died that nobody killed")
    return points


def _died(task: dict[str, str | int | bool], turn: int, death: tuple[str, int] | None) -> bool:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _live(task, turn, death)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    if os.WEXITSTATUS(status):
        raise RuntimeError(f"a dispatcher ended by an error at {death}")
    return False


def _live(task: dict[str, str | int | bool], turn: int, death: tuple[str, int] | None) -> None:
    start_us = NOW_US + (turn * STEP_US) % LATEST_US if death else NOW_US + LATEST_US + turn * STEP_US // 100
    began = time.monotonic_ns()
    engine = open_database(str(task["url"]))
    lane = webhook(str(task["to"]), knows_ids=bool(task["knows_ids"]), concurrency=2)
    working = workers(
        engine,
        Places(Path(str(task["home"]))),
        dispatch_of(crm=lane),
        1,
        lambda: start_us + (time.monotonic_ns() - began) // 1000,
    )
    if death is not None:
        _arm(working[0], *death)
    run(working, is_loop=False)


def _arm(lane: lanes_module.Lane, point: str, nth: int) -> None:
    """Let the process die at the nth time it comes by the point."""
    passed, claim, finish, deliver = Counter[str](), lanes_module.claim, lanes_module.finish, lane.sink.deliver
    finished = lane._finished

    def die(here: str) -> None:
        if here == point:
            passed[here] += 1
            if passed[here] > nth:
                os.kill(os.getpid(), signal.SIGKILL)

    def claiming(*args: object) -> object:
        found = claim(*args)
        if found.letters:
            die("claiming")
        return found

    def sending(letters: object) -> object:
        die("claimed")
        if point == "in flight":
            threading.Timer(random.uniform(0.0, 0.004), die, ["in flight"]).start()
        outcomes = deliver(letters)
        die("sent")
        return outcomes

    lanes_module.claim = claiming
    lanes_module.finish = _then(finish, lambda: die("finishing"))
    lane.sink.deliver = sending
    lane._finished = _then(finished, lambda: die("finished"))


def _then(work: Callable[..., object], after: Callable[[], None]) -> Callable[..., object]:
    def both(*args: object) -> object:
        found = work(*args)
        after()
        return found

    return both


if __name__ == "__main__":
    print(json.dumps(_fork_and_kill(json.loads(sys.argv[1]))))
