"""Crowds: many workers at once, every input twice and shuffled, many messages for a dead and a live destination."""

from __future__ import annotations

import random
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from benchmarks.fault_parts.receivers import receiving
from benchmarks.fault_parts.world import (
    Findings,
    dispatch_of,
    judge,
    looping,
    stepping,
    wait_for,
    webhook,
    workers,
    write_people,
)
from serving import webhooks
from serving.inbox.database import open_database
from serving.inbox.inbox import RECEIVED, Inbox, Received
from serving.outbox.tables import MESSAGES, OUTCOMES, SUPPRESSIONS
from serving.requests import iso
from serving.settings import Places
from tests.serving.outbox_rows import NOW_US, states

KINDS = ("delivered", "opened", "clicked", "complained", "unsubscribed", "bounced")
PEOPLE = 12


def workers_at_once(home: Path, count: int, messages: int) -> Findings:
    """So many workers over one outbox; none may send what another sends, so ids count as unknown to the receiver."""
    engine = open_database(f"sqlite:///{home / 'inbox.db'}")
    write_people(engine, messages)
    with receiving("ok") as receiver:
        lane = webhook(receiver.url, lease_seconds=60, timeout_seconds=20, concurrency=3)
        working = workers(engine, Places(home), dispatch_of(crm=lane), count, stepping())
        with looping(working):
            wait_for(lambda: set(states(engine).values()) == {"sent"})
        return judge(engine, receiver, knows_ids=False)


def replayed(home: Path, seed: int) -> tuple[object, object]:
    """The state after every input once in order, and after each twice in a drawn order: sendings, events, reports."""
    return _lived(home / "once", None), _lived(home / "twice", seed)


def _lived(home: Path, seed: int | None) -> object:
    home.mkdir(parents=True)
    engine = open_database(f"sqlite:///{home / 'inbox.db'}")
    desk = SimpleNamespace(inbox=Inbox(engine))
    with receiving("ok") as receiver:
        names = write_people(engine, PEOPLE)
        for one in workers(engine, Places(home), dispatch_of(crm=webhook(receiver.url)), 1, stepping()):
            one.once()
        inputs: list[object] = [_event(number) for number in range(PEOPLE)]
        inputs += [_report(number, name) for number, name in enumerate(names)]
        if seed is not None:
            inputs = [*inputs, *inputs]
            random.Random(seed).shuffle(inputs)
        for one in inputs:
            if isinstance(one, Received):
                desk.inbox.add([one])
            else:
                webhooks.keep(desk, "mailer", *one)  # type: ignore[misc,arg-type]
            if seed is not None:  # and a dispatcher comes by each time
                for lane in workers(engine, Places(home), dispatch_of(crm=webhook(receiver.url)), 1, stepping()):
                    lane.once()
                    lane.sink.close()
        arrived = dict(receiver.arrived)
    return _state(engine), arrived


def _event(number: int) -> Received:
    content = {"event_id": f"e{number}", "customer_id": f"c{number}", "kind": "session", "occurred_at": iso(NOW_US)}
    text = orjson.dumps(content | {"known_at": iso(NOW_US)}, option=orjson.OPT_SORT_KEYS).decode()
    return Received("engagement", f"e{number}", f"c{number}", NOW_US, text)


def _report(number: int, message_id: str) -> tuple[str, webhooks.OutcomeReport]:
    at = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    about = {"type": f"message.{KINDS[number % len(KINDS)]}", "timestamp": at, "data": {"message_id": message_id}}
    return f"r{number}", webhooks.OutcomeReport.model_validate_json(orjson.dumps(about))


def _state(engine: Engine) -> object:
    """All that inputs leave behind, without the moments they came at and the order they came in."""
    columns = {
        "messages": (MESSAGES.c.message_id, MESSAGES.c.state, MESSAGES.c.attempts),
        "received": (RECEIVED.c.sort, RECEIVED.c.id, RECEIVED.c.customer_id),
        "suppressions": (SUPPRESSIONS.c.person, SUPPRESSIONS.c.channel, SUPPRESSIONS.c.reason),
        "outcomes": (OUTCOMES.c.provider_id, OUTCOMES.c.message_id, OUTCOMES.c.kind, OUTCOMES.c.occurred_us),
    }
    with engine.connect() as connection:
        return {name: sorted(map(tuple, connection.execute(sa.select(*which)))) for name, which in columns.items()}


@dataclass(frozen=True)
class Lanes:
    """How long the live destination took for its messages, alone and beside the dead one, in seconds."""

    alone: float
    beside_dead: float
    messages: int


def live_beside_dead(home: Path, messages: int, timeout_seconds: float = 10) -> Lanes:
    """Half of the messages go to a receiver that is there, half to one that takes connections and never answers."""
    took = []
    for turn, has_dead in enumerate((False, True)):
        folder = home / f"turn{turn}"
        folder.mkdir(parents=True)
        engine = open_database(f"sqlite:///{folder / 'inbox.db'}")
        alive = write_people(engine, messages // 2, "live", "a")
        write_people(engine, messages // 2, "dead", "b")
        # The backlog takes the connections, nobody ever answers them.
        with receiving("ok") as receiver, socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
            mute = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            # Waits stay short, so the dead one is knocked at all the time.
            usual = {"timeout_seconds": timeout_seconds, "lease_seconds": 60, "concurrency": 16}
            lanes = {"live": webhook(receiver.url, **usual)}
            lanes |= {"dead": webhook(mute, **usual)} if has_dead else {}
            working = workers(engine, Places(folder), dispatch_of(**lanes), 1, stepping())
            started = time.monotonic()
            with looping(working):
                wait_for(lambda: len(receiver.arrived) >= messages // 2, longest_seconds=1_200)
                took.append(time.monotonic() - started)
            if judge(engine, receiver, True).twice or len(receiver.arrived) < len(alive):
                raise RuntimeError(f"{len(receiver.arrived)} of {len(alive)} came to the live destination")
    return Lanes(took[0], took[1], messages)
