"""The event log on disk, asked for only a part of what there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.kinds import KINDS
from features.records import Records
from features.tables import MONEY
from pipeline import paths
from pipeline.featurizing.reading import EVERYTHING, Wanted
from pipeline.featurizing.store import Store
from pipeline.sources.raw import connect
from tests.pipeline.growing_shop import LAST_DAY, until, whole_shop, write_clean

SESSION = KINDS.index("session")
VISITS = Wanted(("session",))


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    monkeypatch.chdir(tmp_path)
    write_clean(until(whole_shop(), LAST_DAY), paths.CLEAN)
    with closing(connect(threads=1)) as opened:
        yield opened


def read(connection: duckdb.DuckDBPyConnection, wanted: Wanted = EVERYTHING) -> tuple[Store, Records]:
    """The store as it was opened, and the records of its one block."""
    store = Store(Path("store"), paths.CLEAN, 1, connection, wanted)
    store.update()
    records = store.records(0)
    store.save()
    return store, records


def times(records: Records) -> list[int]:
    """When each visit was, sorted."""
    return np.sort(records.engagement["time"][records.engagement["kind"] == SESSION]).tolist()


def test_only_the_kinds_that_are_asked_for_are_read_and_all_of_those(connection: duckdb.DuckDBPyConnection) -> None:
    _, every = read(connection)
    _, visits = read(connection, VISITS)
    assert len(np.unique(every.engagement["kind"])) > 1
    assert np.unique(visits.engagement["kind"]).tolist() == [SESSION]
    assert times(visits) == times(every)


def test_a_store_of_other_kinds_is_read_anew(connection: duckdb.DuckDBPyConnection) -> None:
    read(connection, VISITS)
    again, _ = read(connection, VISITS)
    assert again.first_new_us is None
    every, records = read(connection)
    assert every.first_new_us is not None
    assert len(np.unique(records.engagement["kind"])) > 1


def test_values_and_items_that_nobody_reads_are_left_in_the_files(connection: duckdb.DuckDBPyConnection) -> None:
    _, every = read(connection)
    _, bare = read(connection, Wanted(values=False, items=False))
    assert len(every.items["order"])
    assert not len(bare.items["order"])
    assert set(every.engagement) - set(bare.engagement) == {"value"}
    for name in bare.engagement:
        assert bare.engagement[name].tolist() == every.engagement[name].tolist()


def test_a_column_that_nobody_reads_may_change(connection: duckdb.DuckDBPyConnection) -> None:
    read(connection)
    path = paths.CLEAN / "engagement.parquet"
    events = pq.read_table(path)
    other = pa.array([f"another{number}" for number in range(len(events))])
    pq.write_table(events.set_column(0, "event_id", other), path, row_group_size=500)
    again, _ = read(connection)
    assert again.first_new_us is None
    pq.write_table(events.set_column(5, "value", pc.add(events["value"], 1).cast(MONEY)), path, row_group_size=500)
    changed, _ = read(connection)
    assert changed.first_new_us is not None


def test_the_order_of_rows_in_the_file_changes_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    _, sorted_ = read(connection)
    path = paths.CLEAN / "engagement.parquet"
    events = pq.read_table(path)
    pq.write_table(events.take(np.random.default_rng(1).permutation(len(events))), path, row_group_size=500)
    _, shuffled = read(connection)
    (*_, visits), (*_, others) = sorted_.log().streams, shuffled.log().streams
    assert len(visits.time) > 1_000
    assert visits.customer.tolist() == others.customer.tolist()
    assert visits.time.tolist() == others.time.tolist()
    assert visits.fields["value"].tolist() == others.fields["value"].tolist()
