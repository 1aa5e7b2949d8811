"""Takes due messages of one destination under a lease, in one transaction with all that must be asked before sending.

Writers never overlap (serving/inbox/database.py), so what two workers ask and write is one after the other: no cap can
be passed by both. Whatever cannot be read raises, and nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from serving.dispatch.grounds import Grounds, doubtful, read_grounds
from serving.dispatch.health import Health
from serving.dispatch.settings import Destination
from serving.dispatch.verdict import SEND, Due, Verdict, verdict
from serving.facts import CHANNELS
from serving.outbox import lists
from serving.outbox.tables import ATTEMPTS, MESSAGES, OPEN

Message = Row[*tuple[object, ...]]
WAITING = ("pending", "retry")
# Looked at in one transaction while the gates say no to all of them.
MOST_LOOKED_AT = 1_000


class Letter(NamedTuple):
    """A claimed message; `lease_token` is what it must be finished with."""

    message_id: str
    lease_token: int
    customer_id: str
    action: str
    channel: str
    payload: str
    attempts: int
    propensity: float | None


@dataclass(frozen=True)
class Desk:
    """A worker's view of its lane."""

    destination: str
    lane: Destination
    owner: str
    health: Health = field(default_factory=Health)


@dataclass
class Claimed:
    """The letters to send, how many were closed or moved by which gate, and what holds everything up."""

    letters: list[Letter] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)
    held: str | None = None


def claim(connection: Connection, desk: Desk, now_us: int) -> Claimed:
    """At most `concurrency` letters; call it in a transaction of `writing`."""
    found = Claimed()
    recover(connection, desk, now_us)
    stopped = {channel: lists.stopped(connection, channel, desk.destination) for channel in _channels(desk)}
    paused = [channel for channel, reason in stopped.items() if reason is not None]
    found.held = next((f"stopped by {reason}" for reason in stopped.values() if reason is not None), None)
    looked_at = 0
    while len(found.letters) < desk.lane.concurrency and looked_at < MOST_LOOKED_AT:
        due = _due(connection, desk, now_us, paused)[: desk.lane.concurrency - len(found.letters)]
        looked_at += len(due)
        if not due or not _judged(connection, desk, due, now_us, found):
            break
    if found.held is not None:  # else what is past its time is closed when its turn comes
        found.closed += _expire(connection, desk, now_us)
    return found


def recover(connection: Connection, desk: Desk, now_us: int) -> int:
    """End the leases that ran out: what may have arrived is sent again only where the receiver knows its id."""
    late = sa.and_(
        MESSAGES.c.destination == desk.destination, MESSAGES.c.state == "leased", MESSAGES.c.lease_until_us <= now_us
    )
    is_spent = MESSAGES.c.attempts >= desk.lane.max_attempts
    state = sa.case((is_spent, "unknown"), else_="retry") if knows_ids(desk.lane) else sa.literal("unknown")
    change = sa.update(MESSAGES).where(late)
    return connection.execute(change.values(state=state, reason="lease_ran_out", next_attempt_us=now_us)).rowcount


def knows_ids(lane: Destination) -> bool:
    """Does the destination ignore a message it had before? All files and tables do."""
    return lane.kind != "webhook" or lane.knows_ids


def _expire(connection: Connection, desk: Desk, now_us: int) -> list[tuple[str, str]]:
    is_late = sa.and_(MESSAGES.c.state.in_(WAITING), MESSAGES.c.expires_at_us <= now_us)
    query = sa.select(MESSAGES.c.message_id).where(MESSAGES.c.destination == desk.destination, is_late)
    late = [str(name) for (name,) in connection.execute(query.limit(MOST_LOOKED_AT))]
    return _close(connection, {name: Verdict("expired", "expired") for name in late})


def _channels(desk: Desk) -> list[str]:
    return sorted({*desk.lane.channels, *CHANNELS})


def _due(connection: Connection, desk: Desk, now_us: int, paused: Sequence[str]) -> Sequence[Message]:
    """The longest due first, and of each person only the earliest message that is still open anywhere."""
    earlier = MESSAGES.alias("earlier")
    is_earlier = sa.tuple_(earlier.c.created_us, earlier.c.message_id) < sa.tuple_(
        MESSAGES.c.created_us, MESSAGES.c.message_id
    )
    has_earlier = sa.exists().where(earlier.c.person == MESSAGES.c.person, earlier.c.state.in_(OPEN), is_earlier)
    query = sa.select(MESSAGES).where(
        MESSAGES.c.destination == desk.destination,
        MESSAGES.c.next_attempt_us <= now_us,
        MESSAGES.c.send_after_us <= now_us,
        MESSAGES.c.channel.not_in(paused),
        ~has_earlier,
    )
    query = query.order_by(MESSAGES.c.next_attempt_us).limit(desk.lane.concurrency)
    # State by state, for then the index gives the order and a long queue is not sorted each time.
    found = [row for state in WAITING for row in connection.execute(query.where(MESSAGES.c.state == state))]
    return sorted(found, key=lambda row: (int(row.next_attempt_us), str(row.message_id)))


def _judged(connection: Connection, desk: Desk, due: Sequence[Message], now_us: int, found: Claimed) -> bool:
    """Lease those that pass, close or move the others; False when something holds the whole lane up."""
    grounds = read_grounds(connection, due)
    shares = [each.policy.max_complaint_share for each in grounds.values() if each is not None]
    alarm = desk.health.stopped(connection, now_us, min(shares)) if shares else None
    if alarm is not None:
        found.held = alarm
        return False
    kept_out = _kept_out(connection, due)
    verdicts = {
        str(row.message_id): _verdict(row, grounds[str(row.message_id)], kept_out.get(str(row.person)), now_us)
        for row in due
    }
    found.closed += _close(connection, {name: each for name, each in verdicts.items() if each.what != "send"})
    passed = [row for row in due if verdicts[str(row.message_id)] == SEND]
    found.letters += [_leased(connection, desk, row, grounds[str(row.message_id)], now_us) for row in passed]
    return True


def _kept_out(connection: Connection, due: Sequence[Message]) -> dict[str, str]:
    kept_out: dict[str, str] = {}
    for channel in {str(row.channel) for row in due}:
        persons = [str(row.person) for row in due if row.channel == channel]
        kept_out |= dict.fromkeys(lists.blocked(connection, persons, channel), "suppressed")
    out = lists.opted_out(connection, [str(row.customer_id) for row in due])
    return kept_out | {str(row.person): "suppressed" for row in due if row.customer_id in out}


def _verdict(row: Message, grounds: Grounds | None, kept_out: str | None, now_us: int) -> Verdict:
    if kept_out is not None:
        return Verdict("cancelled", kept_out)
    if grounds is None:
        return Verdict("cancelled", "no_decision")
    return verdict(Due(row.action, row.intent, row.channel, int(row.expires_at_us), now_us), grounds)


def _close(connection: Connection, verdicts: Mapping[str, Verdict]) -> list[tuple[str, str]]:
    """Write what will not be sent, or not now; what may have arrived is `unknown`, and counts."""
    in_doubt = doubtful(connection, list(verdicts)) if verdicts else set()
    closed = []
    for name, each in verdicts.items():
        change = sa.update(MESSAGES).where(MESSAGES.c.message_id == name)
        if each.what == "wait":
            later = each.wait_until_us
            connection.execute(change.values(send_after_us=later, next_attempt_us=later, reason=each.reason))
            state = "waiting"
        else:
            state = "unknown" if name in in_doubt else each.what
            connection.execute(change.values(state=state, reason=each.reason))
        closed.append((state, str(each.reason)))
    return closed


def _leased(connection: Connection, desk: Desk, row: Message, grounds: Grounds | None, now_us: int) -> Letter:
    token, attempts = int(row.lease_token) + 1, int(row.attempts) + 1
    lease = {
        "state": "leased",
        "reason": None,
        "attempts": attempts,
        "lease_owner": desk.owner,
        "lease_token": token,
        "lease_until_us": now_us + round(desk.lane.lease_seconds * 1e6),
        "claimed_us": now_us,
    }
    connection.execute(sa.update(MESSAGES).where(MESSAGES.c.message_id == row.message_id).values(lease))
    attempt = {"message_id": row.message_id, "lease_token": token, "owner": desk.owner, "started_us": now_us}
    connection.execute(sa.insert(ATTEMPTS), attempt)
    propensity = None if grounds is None else grounds.propensity
    return Letter(
        row.message_id, token, row.customer_id, row.action, row.channel, row.payload_json, attempts, propensity
    )
