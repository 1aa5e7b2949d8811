"""The event log on disk, asked for only some kinds of engagement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pytest

from features.kinds import KINDS
from features.records import Records
from pipeline import paths
from pipeline.featurizing.store import Store
from pipeline.sources.raw import connect
from tests.pipeline.growing_shop import LAST_DAY, until, whole_shop, write_clean

SESSION = KINDS.index("session")


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    monkeypatch.chdir(tmp_path)
    write_clean(until(whole_shop(), LAST_DAY), paths.CLEAN)
    with closing(connect(threads=1)) as opened:
        yield opened


def read(connection: duckdb.DuckDBPyConnection, *only: str) -> tuple[Store, Records]:
    """The store as it was opened, and the records of its one block."""
    store = Store(Path("store"), paths.CLEAN, 1, connection, only)
    store.update()
    records = store.records(0)
    store.save()
    return store, records


def times(records: Records) -> list[int]:
    """When each visit was, sorted."""
    return np.sort(records.engagement["time"][records.engagement["kind"] == SESSION]).tolist()


def test_only_the_kinds_that_are_asked_for_are_read_and_all_of_those(connection: duckdb.DuckDBPyConnection) -> None:
    _, every = read(connection)
    _, visits = read(connection, "session")
    assert len(np.unique(every.engagement["kind"])) > 1
    assert np.unique(visits.engagement["kind"]).tolist() == [SESSION]
    assert times(visits) == times(every)


def test_a_store_of_other_kinds_is_read_anew(connection: duckdb.DuckDBPyConnection) -> None:
    read(connection, "session")
    again, _ = read(connection, "session")
    assert again.first_new_us is None
    every, records = read(connection)
    assert every.first_new_us is not None
    assert len(np.unique(records.engagement["kind"])) > 1
