"""What became of a table's rows, and the Parquet files that show it: kept rows, and refused ones with their reason."""

# ruff: noqa: S608  identifiers are canonical names or quoted, values are quoted literals
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.checks.parsed import Raw
from pipeline.checks.rules import Rule
from pipeline.sources.raw import literal, quoted

ROWS_PER_BATCH = 122_880
SELDOM_REPEATED = ("order_id", "event_id", "customer_id")
QUARANTINE = pa.schema(
    {
        "source_file": pa.string(),
        "source_row": pa.int64(),
        "column": pa.string(),
        "reason": pa.string(),
        "value": pa.string(),
        "row": pa.string(),
    }
)


@dataclass(frozen=True)
class Job:
    """Where a check works: its DuckDB, the folders it fills, and the first instant after the export (null: unknown)."""

    connection: duckdb.DuckDBPyConnection
    clean: Path
    quarantine: Path
    end: str | None


@dataclass(frozen=True)
class Outcome:
    """Rows in = kept + quarantined + duplicates."""

    rows_in: int
    kept: int
    duplicates: int
    reasons: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    guests: int = 0

    @property
    def quarantined(self) -> int:
        """Rows refused, whatever the reason."""
        return sum(self.reasons.values())

    def plus(self, other: Outcome) -> Outcome:
        """Both together, for a table that has two origins."""
        reasons = {
            reason: self.reasons.get(reason, 0) + other.reasons.get(reason, 0)
            for reason in {**self.reasons, **other.reasons}
        }
        rows_in, kept = self.rows_in + other.rows_in, self.kept + other.kept
        duplicates, guests = self.duplicates + other.duplicates, self.guests + other.guests
        return Outcome(rows_in, kept, duplicates, reasons, [*self.notes, *other.notes], guests)

    def counts(self) -> dict[str, int]:
        """The four numbers of `quality.json`."""
        numbers = {"rows_in": self.rows_in, "kept": self.kept, "quarantined": self.quarantined}
        return {**numbers, "duplicates": self.duplicates}


def packing(schema: pa.Schema) -> dict[str, Any]:
    """How the columns are written: smaller than with a dictionary for each, and read in half the time.

    Rows stand in order of time, so the steps between times are small; a dictionary of ids is as long as the ids, and
    money of 18 digits fits into an integer of 64 bits. Every reader needs the customers' ids, and most of its time goes
    into them: a plainer codec is read in 60 % of the time, for a file a fifth larger.
    """
    times = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    return {
        "compression": {name: "lz4" if name == "customer_id" else "zstd" for name in schema.names},
        "use_dictionary": [name for name in schema.names if name not in (*times, *SELDOM_REPEATED)],
        "column_encoding": dict.fromkeys(times, "DELTA_BINARY_PACKED"),
        "store_decimal_as_integer": True,
    }


def write_rows(connection: duckdb.DuckDBPyConnection, select: str, schema: pa.Schema, path: Path) -> int:
    """Stream a query to Parquet in exactly this schema; returns its rows."""
    rows = 0
    with pq.ParquetWriter(path, schema, **packing(schema)) as writer:
        for batch in connection.sql(select).to_arrow_reader(ROWS_PER_BATCH):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            rows += batch.num_rows
    return rows


def write_quarantine(job: Job, raw: Raw, refused: str, rules: Sequence[Rule]) -> dict[str, int]:
    """Write the raw rows of `refused` (line, fault: the place of a rule, from 1); returns counts by reason."""
    connection = job.connection
    connection.execute("CREATE OR REPLACE TEMP TABLE reasons (fault SMALLINT, col VARCHAR, reason VARCHAR)")
    listed = [[place, rule.column, rule.reason] for place, rule in enumerate(rules, start=1)]
    connection.executemany("INSERT INTO reasons VALUES (?, ?, ?)", listed)
    whole = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in raw.present)
    values = " ".join(f"WHEN {literal(name)} THEN CAST({quoted(name)} AS VARCHAR)" for name in raw.present)
    write_rows(
        connection,
        f'SELECT source_file, source_row, col AS "column", reason, CASE col {values} END AS value, '
        f"CAST(to_json(struct_pack({whole})) AS VARCHAR) AS row "
        f"FROM {raw.scan} JOIN ({refused}) USING (line) JOIN reasons USING (fault) ORDER BY line",
        QUARANTINE,
        job.quarantine / f"{raw.table}.parquet",
    )
    counted = connection.execute(
        f"SELECT reason, count(*) FROM ({refused}) JOIN reasons USING (fault) GROUP BY reason ORDER BY 2 DESC, 1"
    ).fetchall()
    return {str(reason): int(count) for reason, count in counted}


def scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one whole number a query answers."""
    rows = connection.execute(query).fetchall()  # all, for DuckDB 2 keeps a half-read result open
    return int(rows[0][0] or 0)
