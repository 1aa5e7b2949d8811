"""Claims of what is due, by one worker of one lane."""

from __future__ import annotations

from sqlalchemy.engine import Engine

from serving.dispatch.claim import Claimed, Desk, claim
from serving.dispatch.settings import Csv
from serving.inbox.database import writing
from tests.serving.outbox_rows import NOW_US

LANE = Csv(kind="csv", channels=["email"], path="x.csv", concurrency=10)
DESK = Desk("letters", LANE, "me")
HOUR_US = 3_600_000_000


def claimed(engine: Engine, now_us: int = NOW_US, desk: Desk = DESK) -> Claimed:
    """What a worker takes at an instant."""
    with writing(engine) as connection:
        return claim(connection, desk, now_us)


def ids(found: Claimed) -> list[str]:
    """Of the messages that were taken."""
    return [letter.message_id for letter in found.letters]
