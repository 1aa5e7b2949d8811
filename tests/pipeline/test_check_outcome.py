"""How clean tables are written: other bytes, the same rows, and the packing that reads fastest."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.tables import ENGAGEMENT, SCHEMAS
from pipeline.checks.outcome import packing, write_rows

FIRST, SECOND = datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = [
    {"event_id": "e1", "customer_id": "C1", "occurred_at": SECOND, "known_at": FIRST, "kind": "session"},
    {"event_id": "e2", "customer_id": "C1", "occurred_at": FIRST, "known_at": SECOND, "value": Decimal("-0.0001")},
    {"event_id": "e3", "customer_id": "Ω", "known_at": SECOND, "value": Decimal("99999999999999.9999")},
    {"event_id": "e4", "customer_id": "", "is_machine": True},
]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "engagement.parquet"
    events = pa.Table.from_pylist(EVENTS, ENGAGEMENT)
    with duckdb.connect(":memory:") as connection:
        connection.register("events", events)
        assert write_rows(connection, "FROM events", ENGAGEMENT, path) == len(EVENTS)
    return path


def test_rows_of_every_type_come_back_with_their_types(written: Path) -> None:
    assert pq.read_table(written).equals(pa.Table.from_pylist(EVENTS, ENGAGEMENT))


def test_another_reader_finds_the_same_rows(written: Path) -> None:
    with duckdb.connect(":memory:") as connection:
        rows = connection.read_parquet(str(written)).order("event_id")
        found = rows.project("epoch_us(known_at), value").fetchall()
    second = 1_767_225_600_000_000
    assert found == [
        (-1, None),
        (second, Decimal("-0.0001")),
        (second, Decimal("99999999999999.9999")),
        (None, None),
    ]


def test_times_are_steps_ids_are_plain_and_money_is_an_integer(written: Path) -> None:
    group = pq.read_metadata(written).row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert "DELTA_BINARY_PACKED" in columns["known_at"].encodings
    assert not columns["customer_id"].has_dictionary_page
    assert (columns["customer_id"].compression, columns["event_id"].compression) == ("LZ4", "ZSTD")
    assert columns["kind"].has_dictionary_page
    assert columns["value"].physical_type == "INT64"


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_clean_table_can_be_packed(table: str, tmp_path: Path) -> None:
    schema = SCHEMAS[table]
    pq.write_table(schema.empty_table(), tmp_path / "empty.parquet", **packing(schema))
    assert pq.read_schema(tmp_path / "empty.parquet") == schema
