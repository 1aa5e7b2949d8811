"""Shows a committed decision: inputs, every gate, the value terms, the propensity, versions; and makes it again.

`python -m serving.decisions show ID`, and `GET /v1/decisions/{id}`.
"""

from __future__ import annotations

import argparse
import sys

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from features.errors import RekindleError, ServingError
from serving.draws import holdout_key
from serving.gates import GATES
from serving.inbox.database import inbox_url, open_database, told
from serving.outbox.tables import DECISIONS, MESSAGES, RUNS
from serving.replay import Ground, is_as_decided
from serving.settings import places

Entry = dict[str, object]
_COLUMNS = (DECISIONS.c.content_json, RUNS.c.run_id, RUNS.c.policy_json, RUNS.c.shop_json, RUNS.c.model_version)
_ROW = (
    "decision_id", "customer_id", "as_of", "arm", "action", "intent", "channel", "send_after", "expires_at",
    "expected_uplift", "expected_value", "gate", "policy_version", "propensity",
)  # fmt: skip


def shown(connection: Connection, decision_id: str, key: bytes) -> Entry | None:
    """All that is kept of a decision; None when there is none. `key` is that of the control group."""
    query = sa.select(*_COLUMNS).join(RUNS, RUNS.c.seq == DECISIONS.c.run_seq)
    row = connection.execute(query.where(DECISIONS.c.decision_id == decision_id)).first()
    if row is None:
        return None
    content: Entry = orjson.loads(row.content_json)
    messages = sa.select(MESSAGES.c.message_id, MESSAGES.c.state, MESSAGES.c.reason)
    sent = connection.execute(messages.where(MESSAGES.c.decision_id == decision_id)).first()
    return {
        "run_id": row.run_id,
        "decision": {name: content.get(name) for name in _ROW},
        "inputs": {"facts": content["facts"], "uplift": content["uplift"], "shop": orjson.loads(row.shop_json)},
        "gates": _gates(content),
        "value_terms": content["value_terms"],
        "propensity": content["propensity"],
        "chances": content["chances"],
        "held_back": content["held_back"],
        "versions": content["versions"],
        "message": None if sent is None else {str(name): value for name, value in sent._mapping.items()},
        "replay": _replay(str(row.content_json), str(row.policy_json), str(row.shop_json), str(row.model_version), key),
    }


def _gates(content: Entry) -> list[Entry]:
    """Every gate in its order: the actions it stops, and those that are left after it."""
    actions, bits = _listed(content["actions"]), content["gates"]
    known: dict[str, str] = bits if isinstance(bits, dict) else {}
    left, told_of = actions, list[Entry]()
    for name in (name for name in GATES if name in known):
        stops = [action for action, bit in zip(actions, known[name], strict=True) if bit == "0"]
        left = [action for action in left if action not in stops]
        told_of.append({"gate": name, "stops": stops, "left": left})
    return told_of


def _replay(content: str, policy: str, shop: str, model_version: str, key: bytes) -> Entry:
    try:
        same = is_as_decided(content, Ground.of(policy, shop, model_version), key)
    except ServingError:
        same = False
    why = "made again from its inputs, the decision has the same bytes"
    other = "made again, the decision is another: its inputs were changed, or the code or the key is not the same"
    return {"same_bytes": same, "means": why if same else other}


def _listed(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def main(arguments: list[str]) -> None:
    """Print a decision as JSON; exits 1 when there is none."""
    parser = argparse.ArgumentParser(prog="python -m serving.decisions", description="Look at committed decisions.")
    show = parser.add_subparsers(required=True).add_parser("show", help="inputs, gates, value, propensity and replay")
    show.add_argument("decision_id", metavar="ID")
    options = parser.parse_args(arguments)
    try:
        with told(), open_database(inbox_url(places().home)).connect() as connection:
            found = shown(connection, options.decision_id, holdout_key())
    except RekindleError as error:
        sys.exit(f"decisions: {error}")
    if found is None:
        sys.exit(f"decisions: there is no decision {options.decision_id!r}; data/plan.parquet is a dry run.")
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
