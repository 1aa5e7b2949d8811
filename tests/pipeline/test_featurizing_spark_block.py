"""The executor's function: tables travel as one and come back, a big block is cut, results name their block."""

from __future__ import annotations

import pyarrow as pa

from features.asof import Settings
from features.block import Calendar
from features.log import DAY_US
from features.tables import MONEY, TIME
from pipeline.featurizing.spark_block import carrier, clean_tables, parts, unpacked

TRAVELLING = pa.schema(
    {
        "table": pa.int8(),
        "customer_id": pa.string(),
        "order_id": pa.string(),
        "known_at": TIME,
        "name": pa.string(),
        "category": pa.string(),
        "amount": MONEY,
        "discount": MONEY,
        "number": pa.float64(),
    }
)


def travelling(*rows: tuple[int, str, str | None, int, str | None]) -> pa.Table:
    """Rows of (table, customer, order, day, name)."""
    columns = [
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        [row[3] * DAY_US for row in rows],
        [row[4] for row in rows],
        *([None] * len(rows) for _ in range(4)),
    ]
    return pa.table([pa.array(values, each.type) for values, each in zip(columns, TRAVELLING, strict=True)], TRAVELLING)


ROWS = travelling(
    (0, "b", "o1", 1, None),
    (0, "a", "o2", 2, None),
    (1, "a", None, 3, "session"),
    (1, "stranger", None, 3, "session"),
    (2, "b", "o1", 1, "shoe"),
    (0, "c", "o3", 4, None),
)


def test_each_table_comes_back_with_its_own_columns() -> None:
    orders, engagement, items = clean_tables(ROWS)
    assert orders.column_names == ["customer_id", "order_id", "known_at", "revenue", "discount", "units"]
    assert orders["order_id"].to_pylist() == ["o1", "o2", "o3"]
    assert engagement["kind"].to_pylist() == ["session", "session"]
    assert engagement["is_machine"].to_pylist() == [None, None]
    assert items["product_id"].to_pylist() == ["shoe"]


def test_people_who_never_ordered_are_left_out() -> None:
    (whole,) = parts(ROWS, 1_000)
    assert sorted(set(whole["customer_id"].to_pylist())) == ["a", "b", "c"]
    assert list(parts(ROWS.filter(pa.array([False, False, True, True, True, False])), 1_000)) == []


def test_a_block_too_big_is_cut_between_customers_in_order_of_their_ids() -> None:
    cut = [part["customer_id"].to_pylist() for part in parts(ROWS, 3)]
    assert cut == [["b", "a", "a", "b"], ["c"]]
    assert [sorted(set(part["customer_id"].to_pylist())) for part in parts(ROWS, 1)] == [["a"], ["b"], ["c"]]


def test_the_result_names_its_block_and_unpacks_to_history_and_today() -> None:
    settings = Settings(horizon_days=90, active_days=None, half_lives_days=(14,))
    carry = carrier(Calendar((10 * DAY_US,), 100 * DAY_US), settings, 1_000)
    made = list(carry((pa.scalar(7),), iter(ROWS.to_batches())))
    assert [(row["block"][0].as_py(), row["today"][0].as_py(), row["rows"][0].as_py()) for row in made] == [
        (7, False, 3),
        (7, True, 3),
    ]
    history = unpacked(made[0]["payload"][0].as_py())
    assert history["customer_id"].to_pylist() == ["a", "b", "c"]
    assert history["orders_ever"].to_pylist() == [1.0, 1.0, 1.0]
