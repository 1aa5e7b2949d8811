"""The link to unsubscribe: in every message to a person, the same at each try."""

from __future__ import annotations

import orjson

from serving.dispatch.claim import Letter
from serving.dispatch.link import with_link
from serving.outbox.person import person_of
from serving.unsubscribe_link import read_token

KEY = b"a key for the tests"
LETTER = Letter("m-1", 1, "c1", "follow_up", "email", '{"customer_id":"c1"}', 1, None)


def test_it_leads_to_the_endpoint_and_says_who_was_written_to() -> None:
    payload = orjson.loads(with_link(LETTER, "https://shop.example/", KEY).payload)
    page, _, token = payload["unsubscribe_url"].partition("?token=")
    assert (payload["customer_id"], page) == ("c1", "https://shop.example/v1/unsubscribe")
    assert read_token(token, KEY) == ("m-1", person_of("c1", KEY), "email")


def test_a_second_try_sends_the_same_body() -> None:
    again = LETTER._replace(lease_token=2, attempts=2)
    assert with_link(LETTER, "https://s.example", KEY).payload == with_link(again, "https://s.example", KEY).payload


def test_a_task_for_a_colleague_has_none() -> None:
    task = LETTER._replace(channel="task")
    assert with_link(task, "https://s.example", KEY) == task
