"""The decisions of the ledger: refused where nothing could be weighed by them, told when their message was delivered.

A delivery is a touch among the events whose subject names the decision's message, `<action>:<message id>`.
"""

# ruff: noqa: S608  identifiers and paths are quoted literals
from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.decided import CLEAN, DECISIONS_FILE, EXPORTED
from pipeline.checks.outcome import QUARANTINE, Job, Outcome, scalar, write_rows
from pipeline.sources.raw import literal

# A reason, its column, and when it holds.
_RULES = (
    ("arm", "an arm other than treatment and control", "arm IS NULL OR arm NOT IN ('treatment', 'control')"),
    ("action", "an action of somebody in control", "arm = 'control' AND action IS NOT NULL"),
    (
        "propensity",
        "an action without a chance from 0 to 1",
        "action IS NOT NULL AND NOT coalesce(propensity > 0 AND propensity <= 1, false)",
    ),
    (
        "control_share",
        "no share of control from 0 to 1",
        "NOT coalesce(control_share >= 0 AND control_share < 1, false)",
    ),
)


def check_decisions(job: Job, raw: Path) -> Outcome | None:
    """Write the kept and the refused decisions of the raw folder; None when nothing was ever decided."""
    file = raw / DECISIONS_FILE
    return _checked(job, f"read_parquet({literal(str(file))})") if file.exists() else None


def _checked(job: Job, raw: str) -> Outcome:
    connection = job.connection
    fault = " ".join(f"WHEN {when} THEN {place}" for place, (_, _, when) in enumerate(_RULES, start=1))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE decided AS SELECT *, row_number() OVER () AS line, "
        f"CASE {fault} ELSE 0 END AS fault FROM {raw}"
    )
    write_rows(connection, _with_delivery(job), CLEAN, job.clean / DECISIONS_FILE)
    reasons = _refused(job, connection)
    rows_in = scalar(connection, "SELECT count(*) FROM decided")
    connection.execute("DROP TABLE decided")
    return Outcome(rows_in, rows_in - sum(reasons.values()), 0, reasons)


def _with_delivery(job: Job) -> str:
    engagement = literal(str(job.clean / "engagement.parquet"))
    delivered = (
        f"SELECT subject, min(known_at) AS delivered_at FROM read_parquet({engagement}) "
        "WHERE kind = 'touch' AND subject IS NOT NULL GROUP BY subject"
    )
    columns = ", ".join(f"d.{name}" for name in EXPORTED.names)
    return (
        f"SELECT {columns}, t.delivered_at FROM decided AS d LEFT JOIN ({delivered}) AS t "
        "ON t.subject = d.action || ':' || d.message_id WHERE fault = 0 ORDER BY d.run_seq, d.decision_id"
    )


def _refused(job: Job, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    found = connection.execute(
        "SELECT line, fault, decision_id, arm, action, propensity, control_share "
        "FROM decided WHERE fault > 0 ORDER BY line"
    ).fetchall()
    if not found:
        return {}
    rows, counts = [], dict[str, int]()
    for line, fault, *shown in found:
        column, reason, _ = _RULES[int(fault) - 1]
        counts[reason] = counts.get(reason, 0) + 1
        rows.append(
            {"source_file": "ledger", "source_row": line, "column": column, "reason": reason, "row": repr(shown)}
        )
    pq.write_table(pa.Table.from_pylist(rows, schema=QUARANTINE), job.quarantine / DECISIONS_FILE, compression="zstd")
    return counts
