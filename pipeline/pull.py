"""Stage `pull`: the source named in params becomes `data/raw/`, one Parquet file per table, values unchanged.

What the endpoint received joins it, and what was decided; whoever was erased is left out. Every row keeps `source_file`
and `source_row`; `pull.json` says what was found, in which zone, and what is not there.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.files import directory_aside, write_text
from pipeline.params import Params, Pull
from pipeline.paths import RAW, TRUTH
from pipeline.sources.demo import pull_demo
from pipeline.sources.erased import drop_erased, erased_persons
from pipeline.sources.files import pull_files
from pipeline.sources.ledger import export_decisions
from pipeline.sources.online_retail_ii import ZONE as ONLINE_RETAIL_ZONE
from pipeline.sources.online_retail_ii import pull_online_retail_ii
from pipeline.sources.pulled import Pulled, RawTable
from pipeline.sources.received import join_received, last_received, open_received
from pipeline.sources.sql import pull_sql
from pipeline.stage import progress, run_stage
from serving.inbox.inbox import Inbox, Mark

NO_TRUTH = "Nobody knows the truth about the customers of this source; only the demo shop writes it here.\n"
PROVENANCE = ("source_file", "source_row")
LONGEST_SILENCE = timedelta(days=7)


def pull(params: Params) -> str:
    """Pull the source; returns what came in."""
    progress(f"source {params.pull.source}")
    with open_received() as received, directory_aside(RAW) as raw, directory_aside(TRUTH) as truth:
        rows = _pull_source(params.pull, raw, truth)
        rows |= join_received(received, raw)
        export_decisions(received, raw)
        rows |= {table: count for table, count in drop_erased(erased_persons(), [raw, truth]).items() if table in rows}
        tables = {
            table: RawTable(rows=rows[table], columns=_columns(raw / f"{table}.parquet")) for table in sorted(rows)
        }
        _pulled(params.pull, tables, _world_end(params.pull, received)).write(raw)
    return ", ".join(f"{count:,} {table}" for table, count in rows.items()) + f" from {params.pull.source}"


def _pull_source(settings: Pull, raw: Path, truth: Path) -> dict[str, int]:
    if settings.source == "demo":
        rows: dict[str, int] = pull_demo(settings.demo, raw, truth)
        return rows
    write_text(truth / "README.txt", NO_TRUTH)
    if settings.source == "files":
        return pull_files(settings.files, raw)
    if settings.source == "online_retail_ii":
        return pull_online_retail_ii(settings.online_retail_ii, raw)
    return pull_sql(settings.sql, raw)


def _world_end(settings: Pull, received: tuple[Inbox, Mark] | None) -> str | None:
    """The first instant after the demo shop's world, which goes on a few days, without orders, for what is received.

    Only a few: after more of silence everybody would look lost. What comes later still is refused by `check`.
    """
    if settings.source != "demo":
        return None
    end = date.fromisoformat(settings.demo.end)
    last = last_received(received, end + LONGEST_SILENCE)
    return str(end if last is None else max(end, last + timedelta(days=1)))


def _pulled(settings: Pull, tables: dict[str, RawTable], period_end: str | None) -> Pulled:
    zone = settings.source_timezone
    if zone is None and settings.source == "online_retail_ii":
        zone = ONLINE_RETAIL_ZONE
    return Pulled(
        source=settings.source,
        zone=zone,
        tables=tables,
        absent=absent({table: found.columns for table, found in tables.items()}),
        period_end=period_end,
    )


def absent(columns: dict[str, list[str]]) -> list[str]:
    """What the shop does not have, as far as the columns tell; `check` adds what only the values tell."""
    orders = columns.get("lines") or columns["orders"]
    lines = "lines" in columns
    there = {
        "order_id": "order_id" in orders,
        "revenue": lines or "revenue" in orders,
        "discount": "discount" in orders,
        "units": lines or "units" in orders,
        "order_items": lines or "order_items" in columns,
        "engagement": "engagement" in columns,
        "customers": "customers" in columns,
    }
    return [name for name, present in there.items() if not present]


def _columns(path: Path) -> list[str]:
    return [name for name in pq.read_schema(path).names if name not in PROVENANCE]


if __name__ == "__main__":
    run_stage("pull", pull)
