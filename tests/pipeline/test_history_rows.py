"""A history is read a batch at a time: the rows of the cutoffs asked for, each once, in order; unfit ones are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import ModelError
from models.history import iso
from pipeline.history_rows import Part
from tests.models.conftest import history_of, simulated_shop

NAMES = ["orders_ever", "gap_mean_days"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return history_of(simulated_shop(300, 900, seed=9), [500, 590, 680])


@pytest.fixture
def file(table: pd.DataFrame, tmp_path: Path) -> Path:
    shuffled = table.sample(frac=1, random_state=1)
    pq.write_table(
        pa.Table.from_pandas(shuffled, preserve_index=False), tmp_path / "history.parquet", row_group_size=90
    )
    return tmp_path / "history.parquet"


def cutoffs(table: pd.DataFrame) -> list[str]:
    return [iso(moment) for moment in np.unique(table["cutoff"].dt.tz_localize(None).to_numpy())]


def test_batches_hold_the_rows_of_the_cutoffs_each_once_and_in_the_order_of_the_file(
    table: pd.DataFrame, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.history_rows.ROWS_PER_PAGE", 100)
    monkeypatch.setattr("pipeline.history_rows.ROWS_AT_ONCE", 40)
    part = Part(file, cutoffs(table)[:2])
    batches = list(part.batches(NAMES))
    wanted = pd.read_parquet(file)
    wanted = wanted[wanted["cutoff"] < wanted["cutoff"].max()]
    assert len(batches) > 3
    np.testing.assert_array_equal(np.vstack([batch.values for batch in batches]), wanted[NAMES].to_numpy(np.float64))
    np.testing.assert_array_equal(np.concatenate([batch.churned for batch in batches]), wanted["churned"])
    assert part.counted() == (len(wanted), wanted["churned"].mean())


def test_row_groups_can_be_shared_out(table: pd.DataFrame, file: Path) -> None:
    groups = range(pq.read_metadata(file).num_row_groups)
    whole = np.vstack([batch.values for batch in Part(file, cutoffs(table)).batches(NAMES)])
    parts = [batch.values for group in groups for batch in Part(file, cutoffs(table), (group,)).batches(NAMES)]
    np.testing.assert_array_equal(np.vstack(parts), whole)


def test_a_column_with_infinite_values_is_named(table: pd.DataFrame, tmp_path: Path) -> None:
    table = table.astype({"orders_ever": float})
    table.loc[7, "orders_ever"] = np.inf
    table.to_parquet(tmp_path / "history.parquet")
    with pytest.raises(ModelError, match="feature orders_ever is infinite in 1 of"):
        list(Part(tmp_path / "history.parquet", cutoffs(table)).batches(NAMES))
