"""The complaint breaker at sending time: complaints about the messages of the last 30 days, as the inbox knows them.

The nightly run's own share, which also knows the shop's other mail, was asked when deciding.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from features.log import DAY_US
from serving.breaker import breaker, warning
from serving.history import OUTCOME_ID, SENT_KINDS
from serving.inbox.inbox import RECEIVED
from serving.outbox.tables import MESSAGES

WINDOW_DAYS = 30
# Counting takes a look at a month of rows: not for every handful of messages.
FRESH_SECONDS = 5.0


@dataclass
class Health:
    """The counts of the last few seconds; one per worker. `warning` is what the operator should read in time."""

    complaints: int = 0
    sent: int = 0
    counted_at: float = field(default=float("-inf"))
    warning: str | None = None

    def stopped(self, connection: Connection, now_us: int, max_share: float) -> str | None:
        """Why nobody may be contacted now, or None."""
        if time.monotonic() - self.counted_at > FRESH_SECONDS:
            self.complaints, self.sent = counts(connection, now_us)
            self.counted_at = time.monotonic()
        self.warning = warning(self.complaints, self.sent, max_share)
        return self.warning if breaker(self.complaints, self.sent, max_share) == "stop" else None


def counts(connection: Connection, now_us: int) -> tuple[int, int]:
    """Complaints received and messages sent in the last 30 days, rows of the clock's future included."""
    since = now_us - WINDOW_DAYS * DAY_US
    month = sa.and_(RECEIVED.c.sort == "engagement", RECEIVED.c.known_at_us > since)
    told = sa.and_(month, _is_of("spam_complaint"))
    sent = sa.and_(month, sa.or_(*(_is_of(kind) for kind in SENT_KINDS)), ~RECEIVED.c.id.startswith(OUTCOME_ID))
    doubtful = sa.and_(MESSAGES.c.state == "unknown", MESSAGES.c.claimed_us > since)
    queries = [sa.select(sa.func.count()).select_from(RECEIVED).where(each) for each in (told, sent)]
    queries.append(sa.select(sa.func.count()).select_from(MESSAGES).where(doubtful))
    complaints, sends, in_doubt = (int(connection.execute(query).scalar_one()) for query in queries)
    return complaints, sends + in_doubt


def _is_of(kind: str) -> sa.ColumnElement[bool]:
    # Keys are sorted and nothing is between them: serving/events.py writes the content so.
    return RECEIVED.c.content.contains(f'"kind":"{kind}"')
