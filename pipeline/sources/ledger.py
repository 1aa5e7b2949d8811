"""The committed decisions join the raw tables: one row per decision of everybody who could have had an action.

Without a run there is no file. What the columns say: features/decided.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from features.decided import DECISIONS_FILE, EXPORTED, FACTS, TEXTS
from pipeline.files import written_aside
from pipeline.stage import progress
from serving.inbox.database import told
from serving.inbox.inbox import Inbox, Mark
from serving.outbox.tables import DECISIONS, MESSAGES, RUNS
from serving.policy import Policy

_ROWS_AT_ONCE = 20_000
Record = dict[str, object]


class _Run(NamedTuple):
    policy: Policy
    model_version: str
    own_control: str

    @classmethod
    def of(cls, policy_json: str, model_version: str) -> _Run:
        policy = Policy.model_validate_json(policy_json)
        shares = {name: action.control_share for name, action in policy.actions.items() if action.control_share > 0}
        return cls(policy, model_version, _json(shares))


def export_decisions(found: tuple[Inbox, Mark] | None, raw: Path) -> int:
    """Write `decisions.parquet` up to the mark; returns its rows. Raises ServingError."""
    if found is None or not found[1].runs:
        return 0
    inbox, mark = found
    rows = 0
    with told(), inbox.engine.connect() as connection, written_aside(raw / DECISIONS_FILE) as aside:
        runs = _runs(connection, mark)
        with pq.ParquetWriter(aside, EXPORTED, compression="zstd") as writer:
            for records in _chunks(connection, mark, runs):
                writer.write_table(pa.Table.from_pylist(records, schema=EXPORTED))
                rows += len(records)
    progress(f"decisions: {rows:,} of {len(runs):,} runs, of people who could have had an action")
    return rows


def _runs(connection: Connection, mark: Mark) -> dict[int, _Run]:
    columns = (RUNS.c.seq, RUNS.c.policy_json, RUNS.c.model_version)
    found = connection.execute(sa.select(*columns).where(RUNS.c.seq <= mark.runs))
    return {int(row.seq): _Run.of(str(row.policy_json), str(row.model_version)) for row in found}


def _chunks(connection: Connection, mark: Mark, runs: Mapping[int, _Run]) -> Iterator[list[Record]]:
    sent = (MESSAGES.c.message_id, MESSAGES.c.intent, MESSAGES.c.channel)
    query = sa.select(DECISIONS, *sent).join(MESSAGES, MESSAGES.c.decision_id == DECISIONS.c.decision_id, isouter=True)
    query = query.where(DECISIONS.c.run_seq <= mark.runs, DECISIONS.c.customer_id != "")
    query = query.order_by(DECISIONS.c.run_seq, DECISIONS.c.decision_id)
    reading = connection.execution_options(stream_results=True)
    for rows in reading.execute(query).partitions(_ROWS_AT_ONCE):
        yield list(_records(rows, runs))


def _records(rows: Sequence[sa.Row[tuple[object, ...]]], runs: Mapping[int, _Run]) -> Iterator[Record]:
    for row in rows:
        record = dict(row._mapping)
        content, run = orjson.loads(str(record["content_json"])), runs[int(str(record["run_seq"]))]
        if record["action"] is None and not content.get("chances"):
            continue
        yield _record(record, content, run)


def _record(row: Mapping[str, object], content: Mapping[str, object], run: _Run) -> Record:
    facts, chances = content["facts"], content.get("chances")
    if not isinstance(facts, dict):
        facts = {}
    if chances is None:
        chances = {str(row["action"]): row["propensity"]}
    action = run.policy.actions.get(str(row["action"]))
    return {
        **{name: row[name] for name in TEXTS},
        "as_of": int(str(row["as_of_us"])),
        "run_seq": row["run_seq"],
        "policy_version": run.policy.policy_version,
        "model_version": run.model_version,
        "chances": _json(chances),
        "held_back": _json(content.get("held_back", [])),
        "own_control": run.own_control,
        "propensity": row["propensity"],
        "control_share": run.policy.control_share,
        "cost_money": action.cost_money if action else None,
        "offer_cost_money": action.offer_cost_money if action else None,
        **{name: facts.get(name) for name in FACTS},
    }


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
