"""An outbox with messages, a dispatcher over it, and what must hold at the end of every fault."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from benchmarks.fault_parts.receivers import SECRET, Receiver
from serving.dispatch.__main__ import lanes
from serving.dispatch.lanes import Lane
from serving.dispatch.settings import Dispatch
from serving.settings import Places
from tests.serving.outbox_rows import NOW_US, Planned, plan_messages, states, touches

SECRET_ENV = "REKINDLE_FAULT_SECRET"  # noqa: S105 - the name of a variable
SECOND_US = 1_000_000
LEASE_SECONDS = 4
TERMINAL = ("sent", "dead", "cancelled", "expired", "unknown")


@dataclass(frozen=True)
class Findings:
    """What must be true whatever happened; each is a list of message ids that break it, or a count."""

    states: Mapping[str, int]
    lost: Sequence[str]
    twice: Sequence[str]
    untold: Sequence[str]
    forged: int

    @property
    def holds(self) -> bool:
        """None lost, none twice where ids are not known, a touch for each that was sent and for no other."""
        return not (self.lost or self.twice or self.untold or self.forged)


def judge(engine: Engine, receiver: Receiver, knows_ids: bool) -> Findings:
    """lost: called sent but never arrived, or not settled; twice: arrived twice where the receiver knows no ids."""
    known, touched = states(engine), Counter(str(touch["event_id"]) for touch in touches(engine))
    sent = {name for name, state in known.items() if state == "sent"}
    dead = {name for name, state in known.items() if state in ("dead", "cancelled", "expired")}
    unsettled = [name for name, state in known.items() if state not in TERMINAL]
    return Findings(
        states=Counter(known.values()),
        lost=sorted([*unsettled, *(sent - set(receiver.arrived)), *(dead & set(receiver.arrived))]),
        twice=[] if knows_ids else sorted(name for name, count in receiver.arrived.items() if count > 1),
        untold=sorted((sent ^ set(touched)) | {name for name, count in touched.items() if count > 1}),
        forged=receiver.refused,
    )


def write_people(engine: Engine, count: int, destination: str = "crm", prefix: str = "c") -> list[str]:
    """So many pending messages, one per person."""
    return plan_messages(engine, *(Planned(f"{prefix}{number}", destination=destination) for number in range(count)))


def webhook(url: str, **more: object) -> dict[str, object]:
    """A destination with short times; its receiver is on this machine."""
    about = {"kind": "webhook", "channels": [], "url": url, "secret_env": SECRET_ENV, "allow_private": True}
    times = {"timeout_seconds": 0.5, "lease_seconds": LEASE_SECONDS, "first_retry_seconds": 0.05}
    return {**about, **times, "longest_retry_seconds": 0.1, "max_attempts": 100, "concurrency": 4, **more}


def dispatch_of(**destinations: Mapping[str, object]) -> Dispatch:
    """Typed destinations."""
    return Dispatch.model_validate({"endpoint_url": "https://shop.example", "destinations": destinations})


def workers(engine: Engine, places: Places, dispatch: Dispatch, count: int, now_us: Callable[[], int]) -> list[Lane]:
    """So many workers per destination, on a clock of the test's."""
    os.environ[SECRET_ENV] = SECRET
    return lanes(engine, dispatch, places, (count, now_us))


@contextmanager
def looping(working: Sequence[Lane]) -> Iterator[None]:
    """The workers as they run in production, each on a thread; stopped at the end."""
    threads = [threading.Thread(target=lane.loop) for lane in working]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        working[0].stop.set()
        for thread in threads:
            thread.join()
        for lane in working:
            lane.sink.close()


def is_settled(engine: Engine, names: Iterable[str]) -> bool:
    """Is none of these messages to be sent any more?"""
    known = states(engine)
    return all(known[name] in TERMINAL for name in names)


def wait_for(holds: Callable[[], bool], longest_seconds: float = 120) -> None:
    """Return when it holds, or after so long: `judge` finds what is missing. The database may be away meanwhile."""
    until = time.monotonic() + longest_seconds
    while time.monotonic() < until:
        with suppress(SQLAlchemyError):
            if holds():
                return
        time.sleep(0.05)


def stepping(start_us: int = NOW_US, step_us: int = 0) -> Callable[[], int]:
    """A clock that goes on by a step at each look."""
    turn, at = threading.Lock(), [start_us]

    def now_us() -> int:
        with turn:
            at[0] += step_us
            return at[0]

    return now_us
