"""The way out that every message to a person carries: a link to unsubscribe by one click (RFC 8058).

It is added when sending, and is the same at each try, so a receiver sees the same body again.
"""

from __future__ import annotations

import orjson

from serving.dispatch.claim import Letter
from serving.facts import CHANNELS
from serving.outbox.person import person_of
from serving.unsubscribe_link import Link, one_click_url

UNSUBSCRIBE_URL = "unsubscribe_url"


def with_link(letter: Letter, endpoint_url: str, key: bytes) -> Letter:
    """The letter with the link in its payload; a task goes to a colleague and needs none."""
    if letter.channel not in CHANNELS:
        return letter
    link = Link(letter.message_id, person_of(letter.customer_id, key), letter.channel)
    payload = orjson.loads(letter.payload) | {UNSUBSCRIBE_URL: one_click_url(endpoint_url, link, key)}
    return letter._replace(payload=orjson.dumps(payload).decode())
