"""Decisions written into a real inbox database in the form the trigger commits them, and the touches that followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
import sqlalchemy as sa

from features.decided import FACTS
from serving.inbox.database import writing
from serving.inbox.inbox import Inbox, Received
from serving.outbox.tables import DECISIONS, MESSAGES, RUNS
from serving.policy import Policy
from serving.requests import iso
from tests.serving.people import ACTION, POLICY

DAY_US = 86_400_000_000
ACTIONS = {"letter": ACTION, "gift": {**ACTION, "offer_cost_money": 2.0, "cost_money": 0.5, "control_share": 0.1}}
RULES = Policy.model_validate({**POLICY, "control_share": 0.2, "actions": ACTIONS})


@dataclass(frozen=True)
class Decided:
    """One decision to be; without an action, one that the control group or a gate stopped."""

    customer_id: str
    arm: str = "treatment"
    action: str | None = "letter"
    propensity: float | None = 0.5
    chances: Mapping[str, float] | None = None
    facts: Mapping[str, float] | None = None
    sent_us: int | None = None


def commit_run(home: Path, as_of_us: int, *decided: Decided, policy: Policy = RULES) -> Inbox:
    """A run with these decisions; those with `sent_us` have a touch among the received rows."""
    inbox = Inbox.open(home)
    with writing(inbox.engine) as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(RUNS)).scalar_one()
        run = {
            "run_id": f"r-{count}",
            "request_digest": "",
            "as_of_us": as_of_us,
            "created_us": as_of_us,
            "received_seq": 0,
            "policy_version": policy.policy_version,
            "policy_json": policy.model_dump_json(),
            "shop_json": "{}",
            "model_version": "m1",
            "answer_json": "{}",
        }
        seq = int(connection.execute(sa.insert(RUNS).values(run).returning(RUNS.c.seq)).scalar_one())
        connection.execute(sa.insert(DECISIONS), [_decision(each, seq, as_of_us) for each in decided])
        sent = [_message(each, as_of_us) for each in decided if each.action is not None]
        if sent:
            connection.execute(sa.insert(MESSAGES), sent)
    inbox.add([_touch(each, as_of_us) for each in decided if each.sent_us is not None])
    return inbox


def message_id(decided: Decided, as_of_us: int) -> str:
    """Of the message that this decision leads to."""
    return f"m-{decided.customer_id}-{as_of_us}"


def _decision(each: Decided, run_seq: int, as_of_us: int) -> dict[str, object]:
    chances = {"letter": 0.5, "gift": 0.5} if each.chances is None else dict(each.chances)
    facts = dict.fromkeys(FACTS, 1.0) | {"churn_probability": 0.5} | dict(each.facts or {})
    return {
        "decision_id": f"d-{each.customer_id}-{as_of_us}",
        "run_seq": run_seq,
        "customer_id": each.customer_id,
        "person": f"p-{each.customer_id}",
        "as_of_us": as_of_us,
        "arm": each.arm,
        "action": each.action,
        "gate": None if each.action else "control",
        "propensity": each.propensity if each.action else None,
        "content_json": orjson.dumps({"facts": facts, "chances": chances, "held_back": []}).decode(),
    }


def _message(each: Decided, as_of_us: int) -> dict[str, object]:
    return {
        "message_id": message_id(each, as_of_us),
        "touch_key": f"d-{each.customer_id}-{as_of_us}",
        "decision_id": f"d-{each.customer_id}-{as_of_us}",
        "customer_id": each.customer_id,
        "person": f"p-{each.customer_id}",
        "action": each.action,
        "intent": "service",
        "channel": "email",
        "destination": "letters",
        "state": "pending" if each.sent_us is None else "sent",
        "payload_json": "{}",
        **dict.fromkeys(("created_us", "send_after_us", "expires_at_us", "next_attempt_us"), as_of_us),
    }


def _touch(each: Decided, as_of_us: int) -> Received:
    name, at = message_id(each, as_of_us), iso(int(each.sent_us or 0))
    content = {"event_id": name, "customer_id": each.customer_id, "occurred_at": at, "known_at": at}
    content |= {"kind": "touch", "subject": f"{each.action}:{name}"}
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
    return Received("engagement", name, each.customer_id, int(each.sent_us or 0), text)
