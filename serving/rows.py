"""Decisions as rows: the columns of `data/plan.parquet`, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from serving.decisions import NOBODY, Decisions
from serving.policy import CHANNELS, Action, Policy
from serving.requests import iso

Row = dict[str, object]
INSTANTS = ("as_of", "send_after", "expires_at")


def decision_rows(decisions: Decisions, policy: Policy, as_of_us: int) -> list[Row]:
    """One mapping per customer; instants are int µs UTC, what does not apply is None."""
    names = list(policy.actions)
    rows = []
    for place, action in enumerate(decisions.action.tolist()):
        chosen = None if action == NOBODY else names[action]
        rows.append(_row(decisions, place, chosen, policy.actions[chosen] if chosen else None))
    for row in rows:
        row.update(as_of=as_of_us, policy_version=policy.policy_version)
    return rows


def as_json(rows: Sequence[Row]) -> list[Row]:
    """The same rows with instants as ISO text."""
    return [
        {name: iso(int(str(v))) if name in INSTANTS and v is not None else v for name, v in row.items()} for row in rows
    ]


def _row(decisions: Decisions, place: int, name: str | None, action: Action | None) -> Row:
    return {
        "decision_id": decisions.decision_id[place],
        "customer_id": decisions.customer_id[place],
        "as_of": None,
        "arm": "control" if decisions.in_control[place] else "treatment",
        "action": name,
        "intent": action.intent if action else None,
        "channel": CHANNELS[decisions.channel[place]] if action else None,
        "send_after": int(decisions.send_after[place]) if action else None,
        "expires_at": decisions.expires_at if action else None,
        "expected_uplift": _known(decisions.expected_uplift[place]),
        "expected_value": _known(decisions.expected_value[place]),
        "gate": decisions.gate[place],
        "policy_version": None,
        "propensity": _known(decisions.propensity[place]) if action else None,
    }


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
