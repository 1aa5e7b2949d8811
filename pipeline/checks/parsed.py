"""A raw table, parsed: canonical columns, the line of the raw file, and the first rule it breaks (0: none)."""

# ruff: noqa: S608  identifiers are canonical names or quoted, values are quoted literals
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from features.errors import DataError, SourceError
from features.tables import MONEY, TIME
from pipeline.checks import parsing
from pipeline.checks.rules import OCCURRED, Rule
from pipeline.sources.raw import literal

TYPED = ("VARCHAR", "DOUBLE", "FLOAT", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
PROVENANCE = ("source_file", "source_row")


@dataclass(frozen=True)
class Raw:
    """One raw table: its Parquet file, the DuckDB type of each column, and the zone of times without one."""

    table: str
    path: Path
    kinds: dict[str, str]
    zone: str | None

    @property
    def present(self) -> list[str]:
        """The columns the source has."""
        return [name for name in self.kinds if name not in PROVENANCE]

    @property
    def scan(self) -> str:
        """The SQL that reads the raw rows, each with its `line`."""
        columns = [f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in self.kinds.items()]
        source = f"read_parquet({literal(str(self.path))}, file_row_number = true)"
        return f"(SELECT file_row_number AS line, {', '.join(columns)} FROM {source})"


def open_raw(connection: duckdb.DuckDBPyConnection, path: Path, zone: str | None) -> Raw:
    """Look at the columns of a raw file."""
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})").fetchall()
    except duckdb.Error as error:
        raise SourceError(f"{path} cannot be read; run `dvc repro --force --single-item pull`.") from error
    return Raw(path.stem, path, {str(row[0]): _handled(str(row[1])) for row in described}, zone)


def parse(connection: duckdb.DuckDBPyConnection, raw: Raw, schema: pa.Schema, rules: Sequence[Rule]) -> str:
    """Create `<table>_parsed`; returns its name. Raises DataError for times without a zone."""
    _require_zone(connection, raw, schema)
    columns = [f"{_parsed(field, raw)} AS {field.name}" for field in schema]
    texts = [f"{parsing.text(name, raw.kinds[name])} AS {name}__raw" for name in raw.present]
    faults = " ".join(f"WHEN {rule.condition} THEN {place}" for place, rule in enumerate(rules, start=1))
    fault = f"CAST(CASE {faults} ELSE 0 END AS SMALLINT)" if rules else "CAST(0 AS SMALLINT)"
    name = f"{raw.table}_parsed"
    connection.execute(
        f"CREATE OR REPLACE TABLE {name} AS SELECT line, source_file, {', '.join(_final(raw.table, schema))}, "
        f"{fault} AS fault FROM (SELECT line, source_file, {', '.join([*columns, *texts])} FROM {raw.scan})"
    )
    return name


def clock_changes(connection: duckdb.DuckDBPyConnection, raw: Raw) -> dict[str, int]:
    """How many local times of occurrence fell into a gap or an overlap of the source's zone."""
    column = OCCURRED.get(raw.table, "")
    if raw.zone is None or column not in raw.kinds:
        return {}
    wall = parsing.wall_time(column, raw.kinds[column])
    change = parsing.clock_change("wall", raw.zone)
    rows = connection.execute(
        f"SELECT change, sum(n) FROM (SELECT {change} AS change, n FROM (SELECT {wall} AS wall, count(*) AS n "
        f"FROM {raw.scan} GROUP BY wall)) WHERE change IS NOT NULL GROUP BY change"
    ).fetchall()
    return {str(change): int(count) for change, count in rows}


def clock_notes(connection: duckdb.DuckDBPyConnection, raw: Raw) -> list[str]:
    """Sentences about local times that a change of the clocks made ambiguous or impossible."""
    said = {
        "gap": "fell into the hour that the clocks skipped and were moved ahead by the skip",
        "overlap": "fell into the hour that the clocks repeated and were taken as the later one",
    }
    changes = clock_changes(connection, raw)
    return [f"{raw.table}: {count:,} local times {said[change]}." for change, count in sorted(changes.items())]


def _handled(kind: str) -> str:
    if kind in TYPED:
        return kind
    return "TIMESTAMP" if kind.startswith("TIMESTAMP") else "VARCHAR"


def _parsed(field: pa.Field, raw: Raw) -> str:
    kind = raw.kinds.get(field.name)
    if kind is None:
        return f"CAST(NULL AS {_sql_type(field.type)})"
    if field.type == TIME:
        return parsing.instant(field.name, kind, raw.zone)
    parsers = {MONEY: parsing.money, pa.float64(): parsing.number, pa.bool_(): parsing.flag}
    value = parsers.get(field.type, parsing.text)(field.name, kind)
    if field.type == pa.int64():
        return f"TRY_CAST({value} AS BIGINT)"
    return f"lower({value})" if field.name == "kind" else value


def _final(table: str, schema: pa.Schema) -> list[str]:
    occurred = OCCURRED.get(table)
    # greatest() passes over a null: what nobody dated was known when it happened. What no provider flags is a person.
    settled = {
        "known_at": f"greatest(known_at, {occurred}) AS known_at",
        "is_machine": "coalesce(is_machine, false) AS is_machine",
    }
    early = [f"coalesce(known_at < {occurred}, false) AS early"] if "known_at" in schema.names else []
    return [*(settled.get(name, name) for name in schema.names), *early]


def _sql_type(kind: pa.DataType) -> str:
    names = {TIME: "TIMESTAMPTZ", MONEY: "DECIMAL(18, 4)", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN"}
    return names.get(kind, "BIGINT" if kind == pa.int64() else "VARCHAR")


def _require_zone(connection: duckdb.DuckDBPyConnection, raw: Raw, schema: pa.Schema) -> None:
    if raw.zone is not None:
        return
    for field in schema:
        if field.type == TIME and field.name in raw.kinds:
            wall = parsing.wall_time(field.name, raw.kinds[field.name])
            found = connection.execute(
                f"SELECT count(*), count({wall}), min(line) FILTER ({wall} IS NOT NULL) FROM {raw.scan}"
            ).fetchall()
            times, local, first = found[0]
            if local:
                raise DataError(
                    f"{raw.table}.{field.name}: {local:,} of {times:,} times carry no zone "
                    f"(first in row {first + 1:,}). Set pull.source_timezone, e.g. Europe/London."
                )
