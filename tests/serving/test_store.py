"""The store: same input, same bytes; what is not ours is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from features.errors import ServingError
from serving.store import Row, Store, write_store

ROWS: list[Row] = [(f"c{number:04}", b'{"n":%d}' % number, b"[]", b"{}", b"{}", b"") for number in range(1200)]
ABOUT: dict[str, object] = {"model_version": "m-1", "as_of_us": 1}


def written(path: Path) -> Path:
    write_store(path, ABOUT, ROWS)
    return path


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    assert written(tmp_path / "a.db").read_bytes() == written(tmp_path / "b.db").read_bytes()


def test_cells_of_known_customers_come_back_and_strangers_do_not(tmp_path: Path) -> None:
    store = Store.open(written(tmp_path / "a.db"))
    assert store.about["model_version"] == "m-1"
    found = store.cells("score", [name for name, *_ in ROWS] + ["nobody", "c0001' OR '1'='1"])
    assert len(found) == 1200
    assert found["c0007"] == b'{"n":7}'
    assert store.cells("score", []) == {}


def test_the_policy_keeps_the_order_of_its_actions(tmp_path: Path) -> None:
    write_store(tmp_path / "a.db", {"policy": {"actions": {"pitch": 1, "guide": 2, "nudge": 3}}}, ROWS)
    policy = Store.open(tmp_path / "a.db").about["policy"]
    assert list(policy["actions"]) == ["pitch", "guide", "nudge"]  # type: ignore[index,call-overload]


def test_the_store_cannot_be_written_through(tmp_path: Path) -> None:
    store = Store.open(written(tmp_path / "a.db"))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.connection.execute("DELETE FROM customers")


def test_a_missing_store_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match="run `make run`"):
        Store.open(tmp_path / "none.db")


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be read as one" * 20])
def test_another_file_is_no_store(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.db").write_bytes(content)
    with pytest.raises(ServingError, match="is not a store of scores"):
        Store.open(tmp_path / "a.db")


def test_a_disk_that_does_not_take_it_is_the_users_to_solve(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match="cannot be written"):
        write_store(tmp_path, ABOUT, ROWS)
