"""`POST /v1/unsubscribe`: a person is kept out from now on, and the models learn of it as an event.

Without a channel (and by a link) it holds for every one, and an `unsubscribe` event is received; with a channel the
others stay open, and there is no event, for an event speaks of the person as a whole. Again changes nothing.
"""

from __future__ import annotations

import logging
import time

import orjson
import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.engine import Connection, Engine

from features.errors import ServingError
from serving.desk import Desk, Entry
from serving.events import PlainId
from serving.inbox.database import told, writing
from serving.limits import RETRY_SECONDS
from serving.outbox.lists import erased, suppress
from serving.outbox.person import person_of
from serving.outbox.tables import DECISIONS, EVERY_CHANNEL, MESSAGES
from serving.policy import Channel
from serving.problems import Problem
from serving.requests import Shape, iso
from serving.unsubscribe_link import Link

_RECEIVE = sa.text(
    "INSERT INTO received (sort, id, customer_id, known_at_us, content) "
    "VALUES ('engagement', :id, :customer_id, :known_at_us, :content) ON CONFLICT DO NOTHING"
)
_LOG = logging.getLogger(__name__)


class UnsubscribeRequest(Shape):
    """A customer who asked to be left alone, on one channel or, without one, on all."""

    customer_id: PlainId
    channel: Channel | None = Field(None, description="null: every one")


def by_id(desk: Desk, request: UnsubscribeRequest) -> Entry:
    """Keep the customer out; raises Problem when that could not be written."""
    person, now_us = person_of(request.customer_id, desk.key), time.time_ns() // 1000
    channel = request.channel or EVERY_CHANNEL
    try:
        with told(), writing(desk.inbox.engine) as connection:
            suppress(connection, person, channel, "unsubscribed", now_us, "api")
            if request.channel is None:
                _receive(connection, person, request.customer_id, None, now_us)
    except ServingError as error:
        raise not_written(error) from error
    return {"unsubscribed": True, "channel": channel}


def by_link(engine: Engine, link: Link, now_us: int) -> None:
    """Keep the person of a verified link out; raises ServingError when that could not be written."""
    with told(), writing(engine) as connection:
        suppress(connection, link.person, EVERY_CHANNEL, "unsubscribed", now_us, f"one-click:{link.channel}")
        customer_id = _customer(connection, link.person)
        if customer_id is not None:
            _receive(connection, link.person, customer_id, link.message_id, now_us)


def not_written(error: ServingError) -> Problem:
    """The problem of a wish that could not be kept: whoever sent it must send it again."""
    _LOG.error("an unsubscription could not be written: %s", error)
    return Problem("not-written", "It was not written; send it again.", headers={"Retry-After": str(RETRY_SECONDS)})


def _customer(connection: Connection, person: str) -> str | None:
    for table in (MESSAGES, DECISIONS):
        found = connection.scalar(sa.select(table.c.customer_id).where(table.c.person == person).limit(1))
        if found is not None:
            return str(found)
    return None


def _receive(connection: Connection, person: str, customer_id: str, subject: str | None, now_us: int) -> None:
    # Of somebody who was erased nothing is kept but the hash.
    if erased(connection, [person]):
        return
    name, at = f"unsubscribe-{person}", iso(now_us)
    content = {"event_id": name, "customer_id": customer_id, "kind": "unsubscribe", "occurred_at": at, "known_at": at}
    content |= {} if subject is None else {"subject": subject}
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
    row = {"id": name, "customer_id": customer_id, "known_at_us": now_us, "content": text}
    connection.execute(_RECEIVE, row)
