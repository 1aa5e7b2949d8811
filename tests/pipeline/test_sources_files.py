"""CSV and Parquet as a source: columns by name or mapping, globs, and every way a file can be wrong."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.errors import ConfigError, SourceError
from pipeline.params import Params
from pipeline.sources.files import pull_files
from pipeline.sources.raw import write_raw
from tests.pipeline.shops import files_params, write_csv

HEADER = "order_id,customer_id,ordered_at,revenue"
ROW = "1,007,2024-01-05,10"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "root"))
    Path("raw").mkdir()


def pulled(path: str, table: str = "orders", **columns: str) -> list[dict[str, object]]:
    params: Params = files_params(orders={"path": path, "columns": columns})
    pull_files(params.pull.files, Path("raw"))
    rows: list[dict[str, object]] = pq.read_table(f"raw/{table}.parquet").to_pylist()
    return rows


def test_a_csv_is_text_so_ids_keep_their_zeros_and_every_row_knows_where_it_came_from() -> None:
    write_csv(Path("orders.csv"), HEADER, ROW)
    assert pulled("orders.csv") == [
        {
            "order_id": "1",
            "customer_id": "007",
            "ordered_at": "2024-01-05",
            "revenue": "10",
            "source_file": "orders.csv",
            "source_row": 1,
        }
    ]


def test_columns_of_other_names_are_mapped_and_optional_ones_taken_by_name() -> None:
    write_csv(Path("orders.csv"), 'Buyer;Bought on;Sum;channel;note;"Bill; no"', '007;2024-01-05;10;web;x;"a;1"')
    row = pulled("orders.csv", customer_id="Buyer", ordered_at="Bought on", revenue="Sum", order_id="Bill; no")[0]
    assert (row["customer_id"], row["revenue"], row["channel"], row["order_id"]) == ("007", "10", "web", "a;1")
    assert "note" not in row


def test_a_glob_takes_its_files_in_order_even_when_an_older_one_lacks_a_column() -> None:
    write_csv(Path("in/2024.csv"), HEADER + ",channel", "2,a,2024-01-05,10,web")
    write_csv(Path("in/2023.csv"), HEADER, "1,a,2023-01-05,10", "0,a,2023-01-06,10")
    rows = pulled("in/*.csv")
    assert [(row["source_file"], row["source_row"], row["order_id"]) for row in rows] == [
        ("in/2023.csv", 1, "1"),
        ("in/2023.csv", 2, "0"),
        ("in/2024.csv", 1, "2"),
    ]
    assert [row["channel"] for row in rows] == [None, None, "web"]


def test_parquet_keeps_the_types_it_has() -> None:
    moment = datetime(2024, 1, 5, 10)  # noqa: DTZ001
    pd.DataFrame({"customer_id": ["007"], "ordered_at": [moment], "revenue": [10.5]}).to_parquet("orders.parquet")
    row = pulled("orders.parquet")[0]
    assert (row["customer_id"], row["ordered_at"], row["revenue"]) == ("007", moment, 10.5)


def test_a_file_that_a_temporary_copy_lacks_is_found_in_the_projects_root(tmp_path: Path) -> None:
    write_csv(tmp_path / "root" / "data" / "orders.csv", HEADER, ROW)
    assert pulled("data/orders.csv")[0]["source_file"] == "data/orders.csv"


def test_an_absolute_path_does_not_put_this_machine_into_the_data(tmp_path: Path) -> None:
    write_csv(tmp_path / "elsewhere" / "orders.csv", HEADER, ROW)
    assert pulled(str(tmp_path / "elsewhere" / "orders.csv"))[0]["source_file"] == "orders.csv"


def test_quoted_line_breaks_and_a_byte_order_mark_are_part_of_csv() -> None:
    Path("orders.csv").write_text(f'\ufeff{HEADER},channel\r\n{ROW},"a\nb"\r\n', encoding="utf-8")
    (row,) = pulled("orders.csv")
    assert (row["order_id"], row["channel"]) == ("1", "a\nb")


def test_lines_with_product_quantity_and_price_are_pulled_as_lines() -> None:
    write_csv(Path("orders.csv"), "order_id,customer_id,ordered_at,sku,quantity,unit_price", "1,007,2024-01-05,p,2,5")
    assert pulled("orders.csv", "lines", product_id="sku")[0]["product_id"] == "p"


def test_no_path_for_the_orders() -> None:
    with pytest.raises(ConfigError, match=r"pull\.files\.orders\.path is not set"):
        pull_files(files_params().pull.files, Path("raw"))


def test_a_missing_file() -> None:
    with pytest.raises(SourceError, match=r"pull\.files\.orders\.path: there is no file 'orders\.csv'\. Mend the path"):
        pulled("orders.csv")


def test_a_glob_that_matches_nothing() -> None:
    with pytest.raises(SourceError, match=r"pull\.files\.orders\.path: no file matches 'in/\*\.csv'"):
        pulled("in/*.csv")


def test_a_mapped_column_that_is_not_there_is_named_with_the_nearest() -> None:
    write_csv(Path("orders.csv"), "Customer,ordered_at", "007,2024-01-05")
    with pytest.raises(
        SourceError,
        match=r"orders\.csv has no column 'customer' \(mapped in pull\.files\.orders\.columns\.customer_id\); "
        r"did you mean Customer\? It has: Customer, ordered_at\.",
    ):
        pulled("orders.csv", customer_id="customer")


def test_a_needed_column_that_nobody_mapped() -> None:
    write_csv(Path("orders.csv"), "Kunde,ordered_at", "007,2024-01-05")
    with pytest.raises(SourceError, match=r"orders\.csv has no column for customer_id\. It has: Kunde, ordered_at\."):
        pulled("orders.csv")


def test_a_canonical_name_that_does_not_exist() -> None:
    write_csv(Path("orders.csv"), HEADER, ROW)
    with pytest.raises(
        ConfigError,
        match=r"pull\.files\.orders\.columns\.custmer_id: no such canonical column; did you mean customer_id\?",
    ):
        pulled("orders.csv", custmer_id="customer_id")


def test_a_file_of_zero_bytes() -> None:
    Path("orders.csv").touch()
    with pytest.raises(SourceError, match=r"orders\.csv is empty \(0 bytes\)"):
        pulled("orders.csv")


def test_a_header_without_rows() -> None:
    write_csv(Path("orders.csv"), HEADER)
    with pytest.raises(SourceError, match=r"orders\.csv has a header but no rows"):
        pulled("orders.csv")


def test_a_truncated_parquet_file_is_never_taken_for_whole() -> None:
    pd.DataFrame({"customer_id": ["007"] * 999, "ordered_at": ["2024-01-05"] * 999}).to_parquet("orders.parquet")
    whole = Path("orders.parquet").read_bytes()
    Path("orders.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"orders\.parquet cannot be read"):
        pulled("orders.parquet")


def test_a_csv_row_with_too_few_values_is_said_with_its_file() -> None:
    write_csv(Path("orders.csv"), HEADER, ROW, "2,008")
    with pytest.raises(SourceError, match=r"orders\.csv cannot be read: .*(?i:columns|line)"):
        pulled("orders.csv")


def test_text_that_is_not_utf8() -> None:
    Path("orders.csv").write_bytes(HEADER.encode() + b",channel\n1,a,2024-01-05,10,caf\xe9\n")
    with pytest.raises(SourceError, match=r"orders\.csv cannot be read: .*UTF-8"):
        pulled("orders.csv")


def test_a_full_disk_is_not_called_a_bad_file() -> None:
    class Full:
        def execute(self, query: str) -> None:
            raise duckdb.IOException(f"IO Error: No space left on device: {query}")

    with pytest.raises(OSError, match="no space left on the disk"):
        write_raw(Full(), ["SELECT 1"], Path("raw/orders.parquet"))  # type: ignore[arg-type]


def test_a_column_named_twice() -> None:
    write_csv(Path("orders.csv"), HEADER + ",revenue", ROW + ",11")
    with pytest.raises(SourceError, match="names the column 'revenue' twice"):
        pulled("orders.csv")
