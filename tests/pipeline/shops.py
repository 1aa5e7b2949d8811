"""Small shops for the tests of `pull` and `check`: params that point at files written by hand."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from pipeline.check import check
from pipeline.files import read_json
from pipeline.params import Params, parse_params
from pipeline.pull import pull

ROOT = Path(__file__).resolve().parents[2]


def params_for(**pull_section: object) -> Params:
    """The project's own params with some keys of `pull` replaced."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    tree["pull"] |= pull_section
    return parse_params(tree)


def files_params(zone: str | None = None, **tables: dict[str, object]) -> Params:
    """Params of a `files` shop; a table is {"path": ..., "columns": {...}}."""
    names = ("orders", "order_items", "engagement", "customers")
    files = {name: {"path": None, "columns": {}} | tables.get(name, {}) for name in names}
    return params_for(source="files", source_timezone=zone, files=files)


def write_csv(path: Path, *lines: str) -> Path:
    """Write lines, the first of which is the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def checked(zone: str | None = None, limit: float = 1.0, **tables: list[str]) -> dict[str, object]:
    """Write each table as CSV into the working directory, pull and check it; returns quality.json."""
    for name, lines in tables.items():
        write_csv(Path(f"{name}.csv"), *lines)
    params = files_params(zone, **{name: {"path": f"{name}.csv"} for name in tables})
    limited = params.model_copy(update={"check": params.check.model_copy(update={"max_quarantine_share": limit})})
    pull(limited)
    check(limited)
    return read_json(Path("reports/quality.json"))


def clean(table: str) -> pd.DataFrame:
    """A clean table with times as ISO text, money as text."""
    columns = pq.read_schema(f"data/clean/{table}.parquet")
    shown = [_shown(field) for field in columns]
    query = f"SELECT {', '.join(shown)} FROM read_parquet('data/clean/{table}.parquet')"  # noqa: S608
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(query).df()


def column(table: str, name: str) -> list[object]:
    """One column of a clean table, in its order."""
    values = clean(table)[name]
    return [None if pd.isna(value) else value for value in values]


def quarantine(table: str) -> list[tuple[object, ...]]:
    """(source_file, source_row, column, reason, value) of every refused row."""
    rows = pq.read_table(f"data/quarantine/{table}.parquet").to_pylist()
    return [(row["source_file"], row["source_row"], row["column"], row["reason"], row["value"]) for row in rows]


def counts(quality: dict[str, object], table: str) -> tuple[int, int, int, int]:
    """rows_in, kept, quarantined, duplicates."""
    tables = quality["tables"]
    found = tables[table] if isinstance(tables, dict) else {}
    return found["rows_in"], found["kept"], found["quarantined"], found["duplicates"]


def _shown(field: pa.Field) -> str:
    if pa.types.is_timestamp(field.type):
        return f"strftime({field.name}, '%Y-%m-%d %H:%M:%S') AS {field.name}"
    return f"CAST({field.name} AS VARCHAR) AS {field.name}"
