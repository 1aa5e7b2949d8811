"""Who must not be contacted, and what is stopped: the last look before a decision and before a sending.

What cannot be read raises (sqlalchemy's errors, as the connection gives them): a list nobody can read lets nobody
through. Instants are int64 µs UTC; persons are keyed hashes (person.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from serving.chunks import chunks
from serving.inbox.inbox import RECEIVED
from serving.outbox.person import HOLDOUT_KEY, holdout_key, key_mark
from serving.outbox.tables import ERASURES, EVERY_CHANNEL, EVERYTHING, SUPPRESSIONS, SWITCHES

Reason = Literal["erased", "complained", "unsubscribed", "asked", "bounced"]
# The weightiest first: where several hold, it is the one told.
REASONS: tuple[Reason, ...] = get_args(Reason)
OPT_OUTS = ("unsubscribe", "spam_complaint")

_BLOCKED = sa.select(SUPPRESSIONS.c.person, SUPPRESSIONS.c.reason).where(
    SUPPRESSIONS.c.person.in_(sa.bindparam("some", expanding=True)),
    SUPPRESSIONS.c.channel.in_(sa.bindparam("channels", expanding=True)),
)
# The text search leaves out what cannot be an opt-out; the kind itself decides.
_MAYBE_OUT = sa.select(RECEIVED.c.customer_id, RECEIVED.c.content).where(
    RECEIVED.c.customer_id.in_(sa.bindparam("some", expanding=True)),
    RECEIVED.c.sort == "engagement",
    sa.or_(*(RECEIVED.c.content.contains(kind) for kind in OPT_OUTS)),
)
_KEEP = sa.text(
    "INSERT INTO suppressions (person, channel, reason, since_us, source) "
    "VALUES (:person, :channel, :reason, :since_us, :source) ON CONFLICT DO NOTHING"
)
_KEY = "key"  # a row of switches that is none: the mark of the key that persons are hashed with
_MARK_KEY = sa.text(
    "INSERT INTO switches (name, is_stopped, reason, changed_us) VALUES (:name, :is_stopped, :reason, :changed_us) "
    "ON CONFLICT DO NOTHING"
)
_SWITCH = sa.text(
    "INSERT INTO switches (name, is_stopped, reason, changed_us) VALUES (:name, :is_stopped, :reason, :changed_us) "
    "ON CONFLICT (name) DO UPDATE SET is_stopped = :is_stopped, reason = :reason, changed_us = :changed_us"
)


class Switch(NamedTuple):
    """One switch: `all`, `channel:email` or `destination:crm`, and why it was last turned."""

    name: str
    is_stopped: bool
    reason: str
    changed_us: int


def blocked(connection: Connection, persons: Iterable[str], channel: str) -> dict[str, str]:
    """Person to reason, of those whom a suppression of this channel or of every channel keeps out."""
    found: dict[str, str] = {}
    for some in chunks(dict.fromkeys(persons)):
        rows = connection.execute(_BLOCKED, {"some": some, "channels": [channel, EVERY_CHANNEL]})
        for person, reason in rows:
            found[str(person)] = min(found.get(str(person), str(reason)), str(reason), key=_weight)
    return found


def opted_out(connection: Connection, customer_ids: Iterable[str]) -> set[str]:
    """Those of whom an opt-out or a complaint was received, on whichever channel."""
    found: set[str] = set()
    for some in chunks(dict.fromkeys(customer_ids)):
        rows = connection.execute(_MAYBE_OUT, {"some": some})
        found |= {str(name) for name, content in rows if orjson.loads(content)["kind"] in OPT_OUTS}
    return found


def erased(connection: Connection, persons: Iterable[str] | None = None) -> set[str]:
    """Those of the persons who were erased; without persons, everybody who was."""
    if persons is None:
        return {str(name) for (name,) in connection.execute(sa.select(ERASURES.c.person))}
    query = sa.select(ERASURES.c.person).where(ERASURES.c.person.in_(sa.bindparam("some", expanding=True)))
    return {
        str(name) for some in chunks(dict.fromkeys(persons)) for (name,) in connection.execute(query, {"some": some})
    }


def suppress(connection: Connection, person: str, channel: str, reason: Reason, now_us: int, source: str) -> bool:
    """Keep a person out of a channel, or of `*`; False when that stood there before. Never taken back by code."""
    mark = {"name": _KEY, "is_stopped": False, "reason": key_mark(holdout_key()), "changed_us": now_us}
    connection.execute(_MARK_KEY, mark)
    row = {"person": person, "channel": channel, "reason": reason, "since_us": now_us, "source": source}
    return connection.execute(_KEEP, row).rowcount > 0


def stopped(connection: Connection, channel: str, destination: str | None = None) -> str | None:
    """The switch that stops this channel and destination with its reason, or None: it may go on.

    With another key than the lists were made with nobody on them would be known: then everything is stopped.
    """
    names = [EVERYTHING, f"channel:{channel}", *([] if destination is None else [f"destination:{destination}"])]
    found = {switch.name: switch for switch in _rows(connection)}
    if _KEY in found and found[_KEY].reason != key_mark(holdout_key()):
        return f"key: the lists were made with another ${HOLDOUT_KEY}"
    return next((f"{name}: {found[name].reason}" for name in names if name in found and found[name].is_stopped), None)


def stop(connection: Connection, name: str, reason: str, now_us: int) -> None:
    """Turn a switch off; whoever asks `stopped` from the next transaction on is told."""
    connection.execute(_SWITCH, {"name": name, "is_stopped": True, "reason": reason, "changed_us": now_us})


def resume(connection: Connection, name: str, reason: str, now_us: int) -> None:
    """Turn a switch on again."""
    connection.execute(_SWITCH, {"name": name, "is_stopped": False, "reason": reason, "changed_us": now_us})


def switches(connection: Connection) -> list[Switch]:
    """All that were ever turned, by name."""
    return [switch for switch in _rows(connection) if switch.name != _KEY]


def _rows(connection: Connection) -> list[Switch]:
    columns = (SWITCHES.c.name, SWITCHES.c.is_stopped, SWITCHES.c.reason, SWITCHES.c.changed_us)
    rows = sorted(tuple(row) for row in connection.execute(sa.select(*columns)))
    return [Switch(str(name), bool(is_stopped), str(reason), int(at)) for name, is_stopped, reason, at in rows]


def _weight(reason: str) -> int:
    # A reason this code does not know keeps a person out too.
    return REASONS.index(reason) if reason in REASONS else len(REASONS)
