"""Runs, decisions and messages for an outbox, written by hand in the form the trigger commits them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from serving.draws import holdout_key
from serving.inbox.database import writing
from serving.inbox.inbox import RECEIVED
from serving.outbox.person import person_of
from serving.outbox.tables import ATTEMPTS, DECISIONS, MESSAGES, RUNS
from serving.policy import Policy
from serving.requests import iso
from tests.serving.people import ACTION, POLICY

DAY_US = 86_400_000_000
# A Tuesday noon, UTC.
NOW_US = int(datetime(2025, 11, 18, 12, tzinfo=UTC).timestamp()) * 1_000_000
AS_OF_US = NOW_US - 3_600_000_000
ACTIONS = {"follow_up": "service", "how_to_content": "content", "nudge": "ask"}
RULES = Policy.model_validate(
    {**POLICY, "actions": {name: {**ACTION, "intent": intent} for name, intent in ACTIONS.items()}}
)
FACTS: dict[str, object] = {
    "churn_probability": 0.6,
    "margin_money": 20.0,
    "order_value_money": 40.0,
    "orders": 2.0,
    "days_since_last_order": 60.0,
    "consent": [1.0, 1.0, 1.0],
    "timezone": "",
    "suppressed": False,
    "touches": 10.0,
    "asks": 1.0,
    "touches_30d": 0.0,
    "touches_today": 0.0,
    "days_since_last_touch": 40.0,
    "days_since_action": [None, None, None],
    "open_ticket": False,
    "open_return": False,
}


@dataclass(frozen=True)
class Planned:
    """One message to be; `facts` are changes to FACTS."""

    customer_id: str = "c1"
    action: str = "how_to_content"
    intent: str = "content"
    channel: str = "email"
    destination: str = "letters"
    facts: Mapping[str, object] | None = None
    state: str = "pending"
    propensity: float | None = 0.5
    send_after_us: int = AS_OF_US
    expires_at_us: int = AS_OF_US + 7 * DAY_US
    as_of_us: int = AS_OF_US

    @property
    def message_id(self) -> str:
        """As the trigger makes it."""
        return "m-" + hashlib.sha256((self.decision_id + self.action).encode()).hexdigest()[:20]

    @property
    def decision_id(self) -> str:
        """One per customer and instant."""
        return f"d-{self.customer_id}-{self.as_of_us}"

    @property
    def person(self) -> str:
        """As the lists know the customer."""
        return person_of(self.customer_id, holdout_key())


def plan_messages(engine: Engine, *planned: Planned, policy: Policy = RULES, **more: object) -> list[str]:
    """One run with these messages, all its rows in one transaction; `more` changes columns of the messages."""
    with writing(engine) as connection:
        run_seq = _add_run(connection, policy, planned[0].as_of_us)
        connection.execute(sa.insert(DECISIONS), [_decision(each, run_seq) for each in planned])
        connection.execute(sa.insert(MESSAGES), [_message(each) | more for each in planned])
    return [each.message_id for each in planned]


def states(engine: Engine) -> dict[str, str]:
    """State by message id."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(MESSAGES.c.message_id, MESSAGES.c.state))
        return {str(name): str(state) for name, state in rows}


def message(engine: Engine, message_id: str) -> dict[str, object]:
    """All columns of one message."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(MESSAGES).where(MESSAGES.c.message_id == message_id)).one()
    return dict(row._mapping)


def attempts(engine: Engine) -> list[tuple[str, int, str | None, int | None]]:
    """Message id, token, outcome and status of every attempt."""
    columns = (ATTEMPTS.c.message_id, ATTEMPTS.c.lease_token, ATTEMPTS.c.outcome, ATTEMPTS.c.status)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(*columns[:2]))]


def touches(engine: Engine) -> list[dict[str, object]]:
    """The contents of all touch rows received."""
    with engine.connect() as connection:
        found = connection.execute(sa.select(RECEIVED.c.content).order_by(RECEIVED.c.seq)).scalars()
        rows = [orjson.loads(content) for content in found]
    return [row for row in rows if row.get("kind") == "touch"]


def receive(engine: Engine, sort: str, name: str, customer_id: str, at_us: int, **more: object) -> None:
    """One received row of a customer at an instant, as the endpoint keeps it."""
    at = iso(at_us)
    ids = {"order_id": name, "ordered_at": at} if sort == "orders" else {"event_id": name, "occurred_at": at}
    content = orjson.dumps(
        {**ids, "customer_id": customer_id, "known_at": at, **more}, option=orjson.OPT_SORT_KEYS
    ).decode()
    row = {"sort": sort, "id": name, "customer_id": customer_id, "known_at_us": at_us, "content": content}
    with writing(engine) as connection:
        connection.execute(sa.insert(RECEIVED), row)


def _add_run(connection: Connection, policy: Policy, as_of_us: int) -> int:
    seen = connection.execute(sa.select(sa.func.max(RECEIVED.c.seq))).scalar() or 0
    count = connection.execute(sa.select(sa.func.count()).select_from(RUNS)).scalar_one()
    shop = {"as_of_us": as_of_us, "data_age_days": 0.5, "complaint_share": 0.0, "model_refused": False}
    run = {
        "run_id": f"r-{count}",
        "request_digest": "",
        "as_of_us": as_of_us,
        "created_us": as_of_us,
        "received_seq": seen,
        "policy_version": policy.policy_version,
        "policy_json": policy.model_dump_json(),
        "shop_json": orjson.dumps(shop).decode(),
        "model_version": "abc",
        "answer_json": "{}",
    }
    return int(connection.execute(sa.insert(RUNS).values(run).returning(RUNS.c.seq)).scalar_one())


def _decision(planned: Planned, run_seq: int) -> dict[str, object]:
    facts = FACTS | {"customer_id": planned.customer_id} | dict(planned.facts or {})
    return {
        "decision_id": planned.decision_id,
        "run_seq": run_seq,
        "customer_id": planned.customer_id,
        "person": planned.person,
        "as_of_us": planned.as_of_us,
        "arm": "treatment",
        "action": planned.action,
        "gate": None,
        "propensity": planned.propensity,
        "content_json": orjson.dumps({"facts": facts}).decode(),
    }


def _message(planned: Planned) -> dict[str, object]:
    same = ("message_id", "decision_id", "customer_id", "action", "intent", "channel")
    payload = {"type": "touch", **{name: getattr(planned, name) for name in same}}
    payload |= {"model_version": "abc", "policy_version": "1", "churn_probability": 0.6}
    payload |= {"send_after": iso(planned.send_after_us), "expires_at": iso(planned.expires_at_us)}
    return {
        **{name: getattr(planned, name) for name in (*same, "person", "destination", "state")},
        "touch_key": planned.decision_id,
        "payload_json": orjson.dumps(payload).decode(),
        "created_us": planned.as_of_us,
        "send_after_us": planned.send_after_us,
        "expires_at_us": planned.expires_at_us,
        "next_attempt_us": planned.send_after_us,
    }
