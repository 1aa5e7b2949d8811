"""Where Online Retail II is looked for, and that workbook, CSV and Parquet become the same lines."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.errors import SourceError
from pipeline.params import OnlineRetail
from pipeline.sources import online_retail_ii
from pipeline.sources.online_retail_ii import located, pull_online_retail_ii
from tests.pipeline.shops import write_csv

HEADER = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"]
FIRST = [489434, "79323P", "LIGHTS", 12, datetime(2009, 12, 1, 7, 45), 6.75, 13085, "UK"]  # noqa: DTZ001
SECOND = ["C489449", 22041, None, -1, datetime(2009, 12, 1, 10, 33), 2.1, None, "UK"]  # noqa: DTZ001


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ONLINE_RETAIL_II", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project" / "root"))
    Path("raw").mkdir()


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, row in (("Year 2009-2010", FIRST), ("Year 2010-2011", SECOND)):
        sheet = book.create_sheet(name)
        sheet.append(HEADER)
        sheet.append(row)
    book.save(path)
    return path


def lines() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table("raw/lines.parquet").to_pylist()
    return rows


def test_both_sheets_of_the_workbook_are_read_with_codes_as_text() -> None:
    path = workbook(Path("online_retail_ii.xlsx"))
    assert pull_online_retail_ii(OnlineRetail(path=str(path)), Path("raw")) == {"lines": 2}
    first, second = lines()
    assert (first["order_id"], first["product_id"], first["customer_id"]) == ("489434", "79323P", "13085")
    assert (second["order_id"], second["product_id"], second["customer_id"]) == ("C489449", "22041", None)
    assert (first["ordered_at"], first["unit_price"], first["sheet"]) == ("2009-12-01 07:45:00", "6.75", 1)
    assert (second["sheet"], second["source_row"], second["source_file"]) == (2, 1, "online_retail_ii.xlsx")


def test_csv_and_parquet_know_the_sheet_by_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online_retail_ii, "ROWS_OF_SHEET_ONE", 1)
    rows = pd.DataFrame([FIRST, SECOND], columns=HEADER).astype({"Invoice": "str", "StockCode": "str"})
    rows.to_csv("retail.csv", index=False)
    rows.to_parquet("retail.parquet")
    for path in ("retail.csv", "retail.parquet"):
        pull_online_retail_ii(OnlineRetail(path=path), Path("raw"))
        assert [line["sheet"] for line in lines()] == [1, 2], path
        assert [line["customer_id"] for line in lines()] == ["13085", None], path


def test_params_go_before_environment_and_that_before_the_usual_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = write_csv(tmp_path / "project" / "shared" / "data" / "online_retail_ii.csv", "x")
    assert located(OnlineRetail(path=None)).samefile(shared)
    external = write_csv(Path("data/external/online_retail_ii.csv"), "x")
    assert located(OnlineRetail(path=None)).samefile(external)
    monkeypatch.setenv("ONLINE_RETAIL_II", str(write_csv(Path("named.csv"), "x")))
    assert located(OnlineRetail(path=None)).name == "named.csv"
    write_csv(Path("params.csv"), "x")
    assert located(OnlineRetail(path="params.csv")).name == "params.csv"


def test_a_path_that_names_nothing_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(Path("data/external/online_retail_ii.csv"), "x")
    monkeypatch.setenv("ONLINE_RETAIL_II", "nowhere.xlsx")
    with pytest.raises(SourceError, match=r"\$ONLINE_RETAIL_II names 'nowhere.xlsx', and there is no such file"):
        located(OnlineRetail(path=None))


def test_where_it_is_looked_for_is_said_when_it_is_nowhere() -> None:
    with pytest.raises(
        SourceError, match=r"Online Retail II is not here\. Put online_retail_ii\.xlsx .* data/external/"
    ):
        located(OnlineRetail(path=None))


def test_another_workbook_is_refused_by_its_columns() -> None:
    path = workbook(Path("other.xlsx"))
    book = openpyxl.load_workbook(path)
    book["Year 2010-2011"]["A1"] = "Bill"
    book.save(path)
    with pytest.raises(SourceError, match=r"other\.xlsx, sheet Year 2010-2011 has no column 'Invoice'"):
        pull_online_retail_ii(OnlineRetail(path=str(path)), Path("raw"))


def test_a_truncated_workbook_is_an_error_and_no_traceback() -> None:
    path = workbook(Path("cut.xlsx"))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(SourceError, match=r"cut\.xlsx cannot be read"):
        pull_online_retail_ii(OnlineRetail(path=str(path)), Path("raw"))
