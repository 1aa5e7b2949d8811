"""Writes what came of a send in one transaction: the state, the attempt, and for what went out its touch.

Only the holder of the lease may write (the fence). One exception: a holder that lost its lease but knows that the
message went out says so, if nobody else is sending it now; then it is not sent again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from serving.dispatch.claim import Desk, Letter, knows_ids
from serving.dispatch.grounds import doubtful
from serving.dispatch.outcome import Outcome, wait_seconds
from serving.inbox.inbox import RECEIVED
from serving.outbox import lists
from serving.outbox.tables import ATTEMPTS, MESSAGES
from serving.requests import iso

FENCED = "fenced"


def finish(
    connection: Connection, desk: Desk, letters: Sequence[Letter], outcomes: Mapping[str, Outcome], now_us: int
) -> list[str]:
    """The new state of each letter, `fenced` where the lease was lost; call it in a transaction of `writing`."""
    for letter in letters:
        _end_attempt(connection, letter, outcomes[letter.message_id], now_us)
    if any(outcome.result == "gone" for outcome in outcomes.values()):
        told = next(outcome.told for outcome in outcomes.values() if outcome.result == "gone")
        lists.stop(connection, f"destination:{desk.destination}", told, now_us)
    in_doubt = doubtful(connection, [letter.message_id for letter in letters])
    return [_finished(connection, desk, letter, outcomes[letter.message_id], (in_doubt, now_us)) for letter in letters]


def keep_touch(connection: Connection, letter: Letter, now_us: int) -> None:
    """The touch as an event that comes back through `pull`; kept once, however often it is said."""
    about = sa.and_(RECEIVED.c.sort == "engagement", RECEIVED.c.id == letter.message_id)
    if connection.execute(sa.select(RECEIVED.c.seq).where(about)).first() is not None:
        return
    connection.execute(
        sa.insert(RECEIVED),
        {
            "sort": "engagement",
            "id": letter.message_id,
            "customer_id": letter.customer_id,
            "known_at_us": now_us,
            "content": touch_content(letter, now_us),
        },
    )


def touch_content(letter: Letter, now_us: int) -> str:
    """The content of the received row, in the form that serving/events.py gives it."""
    content = {
        "event_id": letter.message_id,
        "customer_id": letter.customer_id,
        "kind": "touch",
        "subject": f"{letter.action}:{letter.message_id}",
        "occurred_at": iso(now_us),
        "known_at": iso(now_us),
    }
    value = {} if letter.propensity is None else {"value": letter.propensity}
    return orjson.dumps(content | value, option=orjson.OPT_SORT_KEYS).decode()


def _finished(connection: Connection, desk: Desk, letter: Letter, outcome: Outcome, known: tuple[set[str], int]) -> str:
    in_doubt, now_us = known
    state = _state(desk, letter, outcome, letter.message_id in in_doubt)
    values: dict[str, object] = {"state": state, "reason": outcome.told, "lease_owner": None, "lease_until_us": None}
    if state == "retry":
        seconds = wait_seconds(desk.lane, letter.attempts, outcome.wait_seconds, random.Random())
        later_us, ends_us = now_us + round(seconds * 1e6), MESSAGES.c.expires_at_us
        values["next_attempt_us"] = sa.case((ends_us < later_us, ends_us), else_=later_us)  # its turn to be closed
    if state == "sent":
        values |= {"sent_us": now_us, "reason": None}
    mine = sa.and_(MESSAGES.c.state == "leased", MESSAGES.c.lease_token == letter.lease_token)
    if state == "sent":
        mine = sa.or_(mine, MESSAGES.c.state.in_(("retry", "unknown")))
    change = sa.update(MESSAGES).where(MESSAGES.c.message_id == letter.message_id, mine)
    if connection.execute(change.values(values)).rowcount == 0:
        return FENCED
    if state == "sent":
        keep_touch(connection, letter, now_us)
    return state


def _state(desk: Desk, letter: Letter, outcome: Outcome, is_doubtful: bool) -> str:
    """The state after this outcome; `is_doubtful`: some attempt, this one included, may have arrived."""
    if outcome.result == "sent":
        return "sent"
    may_go_on = outcome.result in ("failed", "doubtful") and letter.attempts < desk.lane.max_attempts
    if may_go_on and (outcome.result == "failed" or knows_ids(desk.lane)):
        return "retry"
    return "unknown" if is_doubtful else "dead"


def _end_attempt(connection: Connection, letter: Letter, outcome: Outcome, now_us: int) -> None:
    mine = sa.and_(ATTEMPTS.c.message_id == letter.message_id, ATTEMPTS.c.lease_token == letter.lease_token)
    ended = {"ended_us": now_us, "outcome": outcome.result, "status": outcome.status}
    connection.execute(sa.update(ATTEMPTS).where(mine).values(ended))
