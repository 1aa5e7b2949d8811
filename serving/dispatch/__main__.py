"""`python -m serving.dispatch`: send what is due, once or as a loop, one lane per destination.

SIGTERM and SIGINT end it after the messages in hand; kill -9 loses none, see docs/dispatch.md.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from features.errors import ConfigError, RekindleError
from serving.dispatch.claim import WAITING, Desk
from serving.dispatch.clock import Clock, clock_from
from serving.dispatch.lanes import Lane
from serving.dispatch.settings import Dispatch, read_dispatch
from serving.dispatch.sinks.opening import open_sink
from serving.inbox.database import inbox_url, open_database, told
from serving.inbox.telling import telling
from serving.outbox.tables import MESSAGES
from serving.settings import Places, places


def main(arguments: Sequence[str]) -> None:
    """Send; prints one line of counts at the end, exits 1 on an error the user can solve."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="dispatch: %(message)s", level=logging.WARNING)
    try:
        where = places()
        dispatch = _chosen(read_dispatch(where.params), options.destination)
        clock = clock_from(options.now)
        engine = open_database(inbox_url(where.home))
        working = lanes(engine, dispatch, where, (options.workers, clock))
        with telling(engine, where.home):
            counts = run(working, options.loop)
        print(line(engine, dispatch, counts), flush=True)
    except RekindleError as error:
        sys.exit(f"dispatch: {error}")


def lanes(engine: Engine, dispatch: Dispatch, where: Places, how: tuple[int, Clock]) -> list[Lane]:
    """`how`: workers per lane, and the clock. Raises ConfigError when a secret is missing."""
    (workers, clock), stop, turn = how, threading.Event(), threading.Lock()
    owner = f"{socket.gethostname()}:{os.getpid()}"
    return [
        Lane(
            engine,
            Desk(name, lane, f"{owner}:{worker}"),
            open_sink(lane, where, clock),
            dispatch.endpoint_url,
            clock,
            stop,
            turn,
        )
        for name, lane in dispatch.destinations.items()
        for worker in range(workers)
    ]


def run(working: Sequence[Lane], is_loop: bool) -> Counter[str]:
    """All lanes, each on a thread, to their end; a bug in one ends them all and is raised."""
    stop = working[0].stop
    before = {name: signal.signal(name, lambda *_: stop.set()) for name in (signal.SIGTERM, signal.SIGINT)}
    with ThreadPoolExecutor(len(working), thread_name_prefix="lane") as threads:
        futures = [threads.submit(lane.loop if is_loop else lane.once) for lane in working]
        wait(futures, return_when=FIRST_EXCEPTION)
        if any(future.done() and future.exception() for future in futures):
            stop.set()
    for name, handler in before.items():
        signal.signal(name, handler)
    for lane in working:
        lane.sink.close()
    for future in futures:
        future.result()
    return sum((lane.counts for lane in working), Counter[str]())


def line(engine: Engine, dispatch: Dispatch, counts: Counter[str]) -> str:
    """What became of the messages, and how many still wait, also for destinations that are no more."""
    found = [f"{count:,} {state}" for state, count in sorted(counts.items())]
    with told(), engine.connect() as connection:
        query = sa.select(MESSAGES.c.destination, sa.func.count()).where(MESSAGES.c.state.in_(WAITING))
        waiting = {str(name): int(count) for name, count in connection.execute(query.group_by(MESSAGES.c.destination))}
    strangers = {name: count for name, count in waiting.items() if name not in dispatch.destinations}
    found += [f"{sum(waiting.values()):,} still to be sent"]
    found += [f"{count:,} of them for {name}, which this run does not serve" for name, count in strangers.items()]
    return "dispatch: " + ", ".join(found)


def _chosen(dispatch: Dispatch, name: str | None) -> Dispatch:
    if not dispatch.destinations:
        raise ConfigError("dispatch.destinations is empty; name one in params.yaml.")
    if name is None:
        return dispatch
    if name not in dispatch.destinations:
        known = ", ".join(dispatch.destinations)
        raise ConfigError(f"--destination {name} is none of dispatch.destinations ({known}).")
    return dispatch.model_copy(update={"destinations": {name: dispatch.destinations[name]}})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving.dispatch", description="Send the messages that are due.")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--once", action="store_true", help="send what is due, then end (the default)")
    way.add_argument("--loop", action="store_true", help="go on until SIGTERM")
    parser.add_argument("--now", help='the clock starts at this instant, such as "2026-01-01T09:00:00Z"')
    parser.add_argument("--workers", type=int, default=1, choices=range(1, 17), help="per destination", metavar="N")
    parser.add_argument("--destination", help="only this one of dispatch.destinations", metavar="NAME")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
