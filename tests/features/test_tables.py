"""The canonical tables keep the names and types of the design."""

from __future__ import annotations

import pyarrow as pa
import pytest

from features.tables import MONEY, REQUIRED, SCHEMAS, SORTED_BY, TIME


def test_there_are_exactly_the_four_canonical_tables() -> None:
    assert list(SCHEMAS) == ["orders", "order_items", "engagement", "customers"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_required_and_sort_column_is_in_its_table(name: str) -> None:
    columns = set(SCHEMAS[name].names)
    assert set(REQUIRED[name]) <= columns
    assert set(SORTED_BY[name]) <= columns


@pytest.mark.parametrize("name", SCHEMAS)
def test_ids_are_text_times_utc_microseconds_and_money_exact(name: str) -> None:
    for field in SCHEMAS[name]:
        if field.name.endswith("_id"):
            assert field.type == pa.string(), field
        if field.name.endswith("_at"):
            assert field.type == TIME, field
        if field.name in {"revenue", "discount", "unit_price", "value"}:
            assert field.type == MONEY, field


def test_the_column_names_are_those_of_the_design() -> None:
    assert SCHEMAS["orders"].names == [
        "order_id",
        "customer_id",
        "ordered_at",
        "known_at",
        "revenue",
        "discount",
        "units",
        "currency",
        "channel",
    ]
    assert SCHEMAS["engagement"].names == [
        "event_id",
        "customer_id",
        "occurred_at",
        "known_at",
        "kind",
        "value",
        "subject",
        "is_machine",
    ]
