"""Rows for an inbox, written by hand."""

from __future__ import annotations

import orjson

from serving.inbox.inbox import Received

AT, AT_US = "2023-11-14T22:13:20Z", 1_700_000_000_000_000


def event(name: str, customer: str = "c1", **more: object) -> Received:
    """A session; `more` lands in the content."""
    content = {"event_id": name, "customer_id": customer, "kind": "session", "occurred_at": AT, "known_at": AT, **more}
    return Received("engagement", name, customer, AT_US, orjson.dumps(content).decode())


def order(name: str, customer: str = "c1", **more: object) -> Received:
    """An order of 10."""
    content = {"order_id": name, "customer_id": customer, "ordered_at": AT, "known_at": AT, "revenue": 10.0, **more}
    return Received("orders", name, customer, AT_US, orjson.dumps(content).decode())
