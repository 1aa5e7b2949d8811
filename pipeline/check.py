"""Stage `check`: raw tables become canonical ones; a refused row goes to quarantine with its reason, nothing is lost.

Rows in = kept + quarantined + duplicates, for every table, in `reports/quality.json`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager

import duckdb

from features.errors import ConfigError, DataError
from features.tables import SCHEMAS
from pipeline.checks.customs import ONLINE_RETAIL_II, PLAIN
from pipeline.checks.invoice_lines import LinesOutcome, check_lines
from pipeline.checks.ledger import check_decisions
from pipeline.checks.outcome import Job, Outcome
from pipeline.checks.parsed import open_raw
from pipeline.checks.quality import quality, require_usable
from pipeline.checks.shop_tables import check_table, know_kept_orders
from pipeline.files import directory_aside, write_json, write_table
from pipeline.params import Params
from pipeline.paths import CLEAN, QUALITY, QUARANTINE, RAW
from pipeline.sources.pulled import Pulled
from pipeline.sources.raw import connect, literal
from pipeline.stage import progress, run_stage


def check(params: Params) -> str:
    """Check all raw tables; returns how many rows were kept and refused."""
    pulled = Pulled.read(RAW)
    limit = params.check.max_quarantine_share

    with (
        _told(),
        tempfile.TemporaryDirectory() as spill,
        closing(connect(threads=None)) as connection,
        directory_aside(CLEAN) as clean,
        directory_aside(QUARANTINE) as quarantine,
    ):
        connection.execute(f"SET temp_directory = {literal(spill)}")
        job = Job(connection, clean, quarantine, pulled.period_end)
        outcomes, lines = _checked(job, pulled, limit)
        _write_absent_tables(job)
        report = quality(job, pulled, outcomes) | _lines_report(lines) | _decisions_report(job)

    write_json(QUALITY, report)
    return _result(outcomes)


@contextmanager
def _told() -> Iterator[None]:
    """A full disk or memory, and a raw file damaged since it was written, are the user's to solve."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        first = str(error).strip().splitlines()[0]
        raise DataError(f"DuckDB cannot go on: {first}. Free space or memory, then run `dvc repro` again.") from error


def _checked(job: Job, pulled: Pulled, limit: float) -> tuple[dict[str, Outcome], LinesOutcome | None]:
    if {"lines", "order_items"} <= set(pulled.tables):
        raise ConfigError("the orders already come as lines with products; set the source's order_items to null.")
    outcomes: dict[str, Outcome] = {}
    lines = _check_lines(job, pulled, limit) if "lines" in pulled.tables else None
    outcomes |= {"lines": lines.lines, **lines.made} if lines is not None else {}
    for table in SCHEMAS:
        if table in pulled.tables:
            outcome = check_table(job, open_raw(job.connection, RAW / f"{table}.parquet", pulled.zone))
            _require(table, outcome, limit)
            made = outcomes.get(table)
            outcomes[table] = outcome.plus(made) if made is not None else outcome
        if table == "orders":
            know_kept_orders(job)
    return outcomes, lines


def _check_lines(job: Job, pulled: Pulled, limit: float) -> LinesOutcome:
    customs = ONLINE_RETAIL_II if pulled.source == "online_retail_ii" else PLAIN
    lines = check_lines(job, open_raw(job.connection, RAW / "lines.parquet", pulled.zone), customs)
    _require("lines", lines.lines, limit)
    return lines


def _require(table: str, outcome: Outcome, limit: float) -> None:
    progress(
        f"{table}: {outcome.rows_in:,} rows in = {outcome.kept:,} kept + {outcome.quarantined:,} refused "
        f"+ {outcome.duplicates:,} duplicates"
    )
    require_usable(table, outcome, limit)


def _write_absent_tables(job: Job) -> None:
    for table, schema in SCHEMAS.items():
        if not (job.clean / f"{table}.parquet").exists():
            write_table(job.clean / f"{table}.parquet", schema.empty_table())


def _decisions_report(job: Job) -> dict[str, object]:
    outcome = check_decisions(job, RAW)
    if outcome is None:
        return {}
    progress(f"decisions: {outcome.rows_in:,} rows in = {outcome.kept:,} kept + {outcome.quarantined:,} refused")
    return {"decisions": outcome.counts() | {"reasons": outcome.reasons}}


def _lines_report(lines: LinesOutcome | None) -> dict[str, object]:
    return {} if lines is None else {"lines_to": lines.lines_to, "facts": lines.facts}


def _result(outcomes: dict[str, Outcome]) -> str:
    pulled = [outcome for table, outcome in outcomes.items() if not ("lines" in outcomes and table != "lines")]
    orders = outcomes["orders"].kept
    refused = sum(outcome.quarantined for outcome in pulled)
    duplicates = sum(outcome.duplicates for outcome in pulled)
    return f"{orders:,} orders kept; {refused:,} rows in quarantine, {duplicates:,} duplicates removed"


if __name__ == "__main__":
    run_stage("check", check)
