"""Rows of the outbox, written by hand."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from serving.draws import OPEN_KEY
from serving.inbox.database import open_database, writing
from serving.outbox.person import person_of
from serving.outbox.tables import MESSAGES

KEY = OPEN_KEY.encode()
AT_US = 1_767_225_600_000_000  # 2026-01-01


def message(customer_id: str, /, **more: object) -> dict[str, object]:
    """A pending e-mail, due at once."""
    name = "m-" + customer_id.rjust(20, "0")
    instants = dict.fromkeys(("created_us", "send_after_us", "next_attempt_us"), AT_US)
    texts = {"action": "follow_up", "intent": "service", "channel": "email", "destination": "letters"}
    return {
        "message_id": name,
        "touch_key": f"d-{customer_id}",
        "decision_id": f"d-{customer_id}",
        "customer_id": customer_id,
        "person": person_of(customer_id, KEY),
        "state": "pending",
        "payload_json": f'{{"customer_id":"{customer_id}"}}',
        "expires_at_us": AT_US + 7 * 86_400_000_000,
        **texts,
        **instants,
        **more,
    }


def insert_message(connection: Connection, customer_id: str, /, **more: object) -> str:
    """Add it; returns its id."""
    row = message(customer_id, **more)
    connection.execute(sa.insert(MESSAGES), row)
    return str(row["message_id"])


def add_message(home: Path, customer_id: str, /, **more: object) -> str:
    """Add it to the inbox below a folder."""
    with writing(open_database(f"sqlite:///{home / 'data/inbox.db'}")) as connection:
        return insert_message(connection, customer_id, **more)
