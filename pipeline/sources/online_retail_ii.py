"""UCI Online Retail II (Chen 2019, doi 10.24432/C5CG6D): one row per invoice line, two overlapping sheets.

Read from the publisher's .xlsx, or the same rows as CSV or Parquet, where the first 525,461 rows are sheet one. Times
are London's.
"""

# ruff: noqa: S608  identifiers are canonical names or quoted, values are quoted literals
from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from features.errors import SourceError
from pipeline.params import OnlineRetail
from pipeline.paths import project_root
from pipeline.sources.columns import chosen_columns
from pipeline.sources.raw import connect, quoted, scan, scanned_columns, selection, unreadable, write_raw
from pipeline.stage import progress

ZONE = "Europe/London"
ENVIRONMENT = "ONLINE_RETAIL_II"
NAMES = tuple(f"online_retail_ii.{suffix}" for suffix in ("parquet", "xlsx", "csv"))
ROWS_OF_SHEET_ONE = 525_461
COLUMNS = {
    "order_id": "Invoice",
    "product_id": "StockCode",
    "description": "Description",
    "quantity": "Quantity",
    "ordered_at": "InvoiceDate",
    "unit_price": "Price",
    "customer_id": "Customer ID",
    "country": "Country",
}
CellValue = object


def pull_online_retail_ii(settings: OnlineRetail, raw: Path) -> dict[str, int]:
    """Write the invoice lines of both sheets as `lines`; returns how many."""
    path = located(settings)
    connection = connect()
    try:
        selections = _sheets(connection, path) if path.suffix.lower() == ".xlsx" else [_whole(connection, path)]
        rows = write_raw(connection, selections, raw / "lines.parquet")
    except (duckdb.Error, CalamineError) as error:
        raise unreadable(path, error) from error
    if rows == 0:
        raise SourceError(f"{path} has no rows. Fetch it again.")
    progress(f"lines: {rows:,} rows from {path.name}")
    return {"lines": rows}


def located(settings: OnlineRetail) -> Path:
    """The first that is set or there: params, the environment, data/external/, ../shared/data/."""
    for named, origin in (
        (settings.path, "pull.online_retail_ii.path"),
        (os.environ.get(ENVIRONMENT), f"${ENVIRONMENT}"),
    ):
        if named:
            tried = [base / named for base in (Path(), project_root())]
            found = next((path for path in tried if path.is_file()), None)
            if found is None:
                raise SourceError(f"{origin} names {named!r}, and there is no such file. Mend it.")
            return found
    folders = [Path("data/external"), project_root() / "data/external", project_root().parent / "shared/data"]
    for folder in folders:
        for name in NAMES:
            if (folder / name).is_file():
                return folder / name
    raise SourceError(
        f"Online Retail II is not here. Put {NAMES[1]} (from the UCI repository, doi 10.24432/C5CG6D) into "
        f"data/external/, or name it in pull.online_retail_ii.path or ${ENVIRONMENT}."
    )


def _whole(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    available = scanned_columns(connection, path)
    columns = chosen_columns("orders", COLUMNS, available, path.name, "pull.online_retail_ii")
    sheet = f"CASE WHEN row_number() OVER () <= {ROWS_OF_SHEET_ONE} THEN 1 ELSE 2 END AS sheet"
    return _plain_customer(selection(scan(path), columns, path.name, [sheet]))


def _plain_customer(select: str) -> str:
    # A spreadsheet program writes the number 13085 as 13085.0 once a cell of its column is empty.
    customer = quoted("customer_id")
    plain = f"regexp_replace(CAST({customer} AS VARCHAR), '\\.0$', '')"
    return f"SELECT * REPLACE ({plain} AS {customer}) FROM ({select})"


def _sheets(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    workbook = CalamineWorkbook.from_path(str(path))
    selections = []
    for number, name in enumerate(workbook.sheet_names, start=1):
        rows = workbook.get_sheet_by_name(name).to_python()
        header = [str(cell).strip() for cell in rows[0]] if rows else []
        columns = chosen_columns("orders", COLUMNS, header, f"{path.name}, sheet {name}", "pull.online_retail_ii")
        table = pa.table({title: _texts(rows[1:], place) for place, title in enumerate(header)})
        connection.register(f"sheet_{number}", table)
        selections.append(selection(f"sheet_{number}", columns, path.name, [f"{number} AS sheet"]))
    return selections


def _texts(rows: list[list[CellValue]], place: int) -> pa.Array:
    return pa.array([_text(row[place]) for row in rows], pa.string())


def _text(cell: CellValue) -> str | None:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return None if cell is None or cell == "" else str(cell)
