"""What is known, when sending, of the people whose messages are due: the decision's facts and the news since.

News are received rows that the decision had not seen, and messages that went out, may have, or are on their way.
Instants are int64 µs UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import orjson
import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.engine import Connection, Row

from serving.history import action_of
from serving.inbox.inbox import RECEIVED
from serving.outbox.tables import ATTEMPTS, COUNTED, DECISIONS, MESSAGES, RUNS
from serving.policy import Policy

Facts = Mapping[str, object]
_GATED = ("touch", "ticket_opened", "ticket_closed", "refund", "cancellation")
DOUBTFUL = "doubtful"


class Touch(NamedTuple):
    """One touch that the decision's facts do not count."""

    at_us: int
    action: str
    is_ask: bool


class News(NamedTuple):
    """One received row that the decision had not seen."""

    sort: str
    known_at_us: int
    content: Mapping[str, object]

    @property
    def kind(self) -> str:
        """Its kind; an order is one of its own."""
        return "order" if self.sort == "orders" else str(self.content["kind"])


@dataclass(frozen=True)
class Grounds:
    """What one message stands on; `touches` and `news` are those after the facts."""

    policy: Policy
    facts: Facts
    as_of_us: int
    data_age_days: float
    propensity: float | None
    touches: Sequence[Touch]
    news: Sequence[News]


class _Counted(NamedTuple):
    """A message that counts against the caps, and where its touch stands in the inbox, if it does."""

    message_id: str
    at_us: int
    action: str
    is_ask: bool
    seq: int | None
    known_at_us: int | None


def read_grounds(connection: Connection, messages: Sequence[Row[*tuple[object, ...]]]) -> dict[str, Grounds | None]:
    """By message id; None where the decision is gone or cannot be read any more."""
    decisions = _decisions(connection, [str(row.decision_id) for row in messages])
    found = [(row, decisions[str(row.decision_id)]) for row in messages if str(row.decision_id) in decisions]
    if not found:
        return {str(row.message_id): None for row in messages}
    counted = _counted(connection, {str(row.person) for row, _ in found})
    received = _received(connection, {str(row.customer_id) for row, _ in found}, [each for _, each in found])
    grounds: dict[str, Grounds | None] = {str(row.message_id): None for row in messages}
    for row, decision in found:
        mine, rows = counted.get(str(row.person), []), received.get(str(row.customer_id), [])
        grounds[str(row.message_id)] = _grounds(decision, mine, rows)
    return grounds


def doubtful(connection: Connection, message_ids: Sequence[str]) -> set[str]:
    """Those of which an attempt may have arrived: it has no outcome, or one that leaves it open."""
    in_doubt = sa.or_(ATTEMPTS.c.outcome.is_(None), ATTEMPTS.c.outcome == DOUBTFUL)
    rows = connection.execute(sa.select(ATTEMPTS.c.message_id).where(ATTEMPTS.c.message_id.in_(message_ids), in_doubt))
    return {str(name) for (name,) in rows}


def _decisions(connection: Connection, decision_ids: Sequence[str]) -> dict[str, Row[*tuple[object, ...]]]:
    columns = (DECISIONS.c.decision_id, DECISIONS.c.as_of_us, DECISIONS.c.propensity, DECISIONS.c.content_json)
    query = sa.select(*columns, RUNS.c.received_seq, RUNS.c.policy_json, RUNS.c.shop_json)
    query = query.join(RUNS, RUNS.c.seq == DECISIONS.c.run_seq).where(DECISIONS.c.decision_id.in_(decision_ids))
    return {str(row.decision_id): row for row in connection.execute(query)}


def _counted(connection: Connection, persons: set[str]) -> dict[str, list[_Counted]]:
    columns = (MESSAGES.c.person, MESSAGES.c.message_id, MESSAGES.c.claimed_us, MESSAGES.c.sent_us)
    query = sa.select(*columns, MESSAGES.c.action, MESSAGES.c.intent, RECEIVED.c.seq, RECEIVED.c.known_at_us)
    its_touch = sa.and_(RECEIVED.c.sort == "engagement", RECEIVED.c.id == MESSAGES.c.message_id)
    query = query.outerjoin(RECEIVED, its_touch).where(MESSAGES.c.person.in_(persons), MESSAGES.c.state.in_(COUNTED))
    found: dict[str, list[_Counted]] = {}
    for row in connection.execute(query):
        at_us = row.claimed_us if row.sent_us is None else row.sent_us
        one = _Counted(row.message_id, int(at_us or 0), row.action, row.intent == "ask", row.seq, row.known_at_us)
        found.setdefault(str(row.person), []).append(one)
    return found


def _received(
    connection: Connection, customer_ids: set[str], decisions: Sequence[Row[*tuple[object, ...]]]
) -> dict[str, list[Row[*tuple[object, ...]]]]:
    seen, since = min(int(each.received_seq) for each in decisions), min(int(each.as_of_us) for each in decisions)
    newer = sa.or_(RECEIVED.c.seq > seen, RECEIVED.c.known_at_us >= since)
    query = sa.select(RECEIVED).where(RECEIVED.c.customer_id.in_(customer_ids), newer).order_by(RECEIVED.c.seq)
    found: dict[str, list[Row[*tuple[object, ...]]]] = {}
    for row in connection.execute(query):
        found.setdefault(str(row.customer_id), []).append(row)
    return found


def _grounds(
    decision: Row[*tuple[object, ...]], counted: Sequence[_Counted], received: Sequence[Row[*tuple[object, ...]]]
) -> Grounds | None:
    try:
        policy, facts = _policy(str(decision.policy_json)), orjson.loads(decision.content_json)["facts"]
        shop = orjson.loads(decision.shop_json)
    except (ValidationError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    as_of_us, seen = int(decision.as_of_us), int(decision.received_seq)
    own = {each.message_id for each in counted}
    news = [
        News(row.sort, int(row.known_at_us), orjson.loads(row.content))
        for row in received
        if not (_was_seen(row.seq, row.known_at_us, seen, as_of_us) or row.id in own)
    ]
    news = [each for each in news if each.kind == "order" or each.kind in _GATED]
    unseen = [each for each in counted if not _was_seen(each.seq, each.known_at_us, seen, as_of_us)]
    touches = [Touch(each.at_us, each.action, each.is_ask) for each in unseen]
    touches += [_touch(each, policy) for each in news if each.kind == "touch"]
    age = shop.get("data_age_days")
    return Grounds(
        policy=policy,
        facts=facts,
        as_of_us=as_of_us,
        data_age_days=float("inf") if age is None else float(age),
        propensity=decision.propensity,
        touches=touches,
        news=news,
    )


def _was_seen(seq: int | None, known_at_us: int | None, seen: int, as_of_us: int) -> bool:
    return seq is not None and known_at_us is not None and seq <= seen and known_at_us < as_of_us


def _touch(news: News, policy: Policy) -> Touch:
    name = action_of(news.content.get("subject"))
    action = policy.actions.get(name)
    # As in serving/history.py: a touch of unknown origin may well have been a sales pitch.
    return Touch(news.known_at_us, name, action is None or action.intent == "ask")


@lru_cache(maxsize=64)
def _policy(text: str) -> Policy:
    return Policy.model_validate_json(text)
