"""Rows for the ledger, drafted from decisions: the decisions themselves, arms of control groups, messages to send."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from serving.decisions import NOBODY, Decisions
from serving.desk import Desk
from serving.dispatch.settings import Dispatch, read_dispatch
from serving.gates import verdicts
from serving.outbox.reading import Mark
from serving.outbox.tables import EVERYTHING
from serving.outbox.writing import Row
from serving.policy import CHANNELS
from serving.replay import Ground, contents
from serving.requests import iso

ACTION_CONTROL = "action_control"


@dataclass(frozen=True)
class Made:
    """Decisions that are not committed yet, what they stand on, and how far the database had come."""

    decisions: Decisions
    ground: Ground
    mark: Mark


def draft_decisions(made: Made, persons: Sequence[str], key: bytes) -> Iterator[Row]:
    """A row per decision, in their order; `persons` are aligned with them."""
    decisions, names = made.decisions, list(made.ground.policy.actions)
    for place, text in enumerate(contents(decisions, made.ground, key)):
        action = int(decisions.action[place])
        yield {
            "decision_id": decisions.decision_id[place],
            "customer_id": decisions.customer_id[place],
            "person": persons[place],
            "as_of_us": made.ground.shop.as_of_us,
            "arm": "control" if decisions.in_control[place] else "treatment",
            "action": None if action == NOBODY else names[action],
            "gate": decisions.gate[place],
            "propensity": None if action == NOBODY else float(decisions.propensity[place]),
            "content_json": text,
        }


def draft_arms(made: Made, persons: Sequence[str]) -> Iterator[Row]:
    """Everybody's arm, and that of each action for whom it was open but for its control group."""
    decisions, policy = made.decisions, made.ground.policy
    fixed = {"holdout_version": policy.holdout_version, "since_us": made.ground.shop.as_of_us}
    for person, is_control in zip(persons, decisions.in_control.tolist(), strict=True):
        yield {"person": person, "scope": EVERYTHING, "in_control": is_control, **fixed}
    others = [passes for name, passes in verdicts(decisions.case).items() if name != ACTION_CONTROL]
    eligible = np.logical_and.reduce(others)
    for column, (name, action) in enumerate(policy.actions.items()):
        for place in np.flatnonzero(eligible[:, column]).tolist() if action.control_share > 0 else ():
            is_control = bool(decisions.case.in_action_control[place, column])
            yield {"person": persons[place], "scope": name, "in_control": is_control, **fixed}


def draft_messages(desk: Desk, made: Made, rows: Sequence[Row], new: Sequence[int]) -> Iterator[Row]:
    """A message for each of the `new` places with an action; raises ConfigError for a channel no destination takes."""
    decisions = made.decisions
    places = [place for place in new if decisions.action[place] != NOBODY]
    lanes = read_dispatch(desk.places.params) if places else None
    reasons = desk.store.cells("reasons", [str(rows[place]["customer_id"]) for place in places])
    for place in places:
        told = orjson.loads(reasons.get(str(rows[place]["customer_id"]), b"{}")).get("reasons", [])
        yield _message(made, rows[place], place, lanes, [one["in_words"] for one in told if "in_words" in one])


def _message(made: Made, row: Row, place: int, lanes: Dispatch | None, reasons: list[str]) -> Row:
    decisions, name = made.decisions, str(row["action"])
    channel = CHANNELS[decisions.channel[place]]
    message_id = "m-" + hashlib.sha256(f"{row['decision_id']}{name}".encode()).hexdigest()[:20]
    send_after_us = int(decisions.send_after[place])
    intent = made.ground.policy.actions[name].intent
    payload = {
        "type": "touch",
        "message_id": message_id,
        "decision_id": row["decision_id"],
        "customer_id": row["customer_id"],
        "action": name,
        "intent": intent,
        "channel": channel,
        "model_version": made.ground.model_version,
        "policy_version": made.ground.policy.policy_version,
        "churn_probability": float(decisions.case.facts.churn_probability[place]),
        **({"reasons_in_words": reasons} if reasons else {}),
        "send_after": iso(send_after_us),
        "expires_at": iso(decisions.expires_at),
    }
    return {
        **{column: row[column] for column in ("decision_id", "customer_id", "person")},
        "message_id": message_id,
        "touch_key": row["decision_id"],
        "action": name,
        "intent": intent,
        "channel": channel,
        "destination": lanes.destination_of(channel) if lanes else "",
        "state": "pending",
        "payload_json": orjson.dumps(payload).decode(),
        "created_us": row["as_of_us"],
        "send_after_us": send_after_us,
        "expires_at_us": decisions.expires_at,
        "next_attempt_us": send_after_us,
    }
