"""What is read in parts is what the whole file says, types and order included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from pipeline.judged_rows import OF_EVERY_ROW, judged_rows
from pipeline.untreated import untreated

EARLIER, TEST = pd.to_datetime(["2025-01-01", "2025-02-01"], utc=True)
ROWS = pd.DataFrame(
    {
        "customer_id": ["a", "a", "b", "c", "c", "d"],
        "cutoff": [EARLIER, TEST, TEST, EARLIER, TEST, TEST],
        "churned": np.array([0, 1, 1, 0, 0, 1], dtype=np.int8),
        "btyd_x": [1.0, 1.0, 0.0, 4.0, 5.0, 2.0],
        "searches_30d": [2.0, np.nan, 3.0, 7.0, 0.0, 1.0],
    }
)


def written(folder: Path, rows: pd.DataFrame) -> Path:
    """Two rows in a row group, so that no group holds one cutoff alone."""
    file = folder / "history.parquet"
    rows.to_parquet(file, index=False, row_group_size=2)
    return file


def test_the_rows_of_the_test_cutoff_have_every_column_as_the_whole_file_has_it(tmp_path: Path) -> None:
    file = written(tmp_path, ROWS)
    whole = pd.read_parquet(file)
    found = judged_rows(file)
    pd.testing.assert_frame_equal(found.rows, whole[whole["cutoff"] == TEST].reset_index(drop=True))
    assert (found.touched, found.customers) == (None, 4)


def test_of_every_row_only_the_few_columns_are_held_and_others_are_read_when_asked(tmp_path: Path) -> None:
    found = judged_rows(written(tmp_path, ROWS))
    assert list(found.history.columns) == [name for name in ROWS.columns if name in OF_EVERY_ROW]
    assert "searches_30d" not in found.history
    assert found.column("searches_30d").tolist() == pytest.approx([2.0, np.nan, 3.0, 7.0, 0.0, 1.0], nan_ok=True)
    assert found.at_test.tolist() == [False, True, True, False, True, True]


def test_who_was_touched_is_counted_and_left_out_everywhere(tmp_path: Path) -> None:
    marked = ROWS.assign(stands_for=np.array([1, 0, 2, 0, 1, 1], dtype=np.int32))
    found = judged_rows(written(tmp_path, marked))
    pd.testing.assert_frame_equal(found.rows, untreated(marked[marked["cutoff"] == TEST]))
    assert found.history["customer_id"].tolist() == ["a", "b", "c", "d"]
    assert found.column("searches_30d").tolist() == [2.0, 3.0, 0.0, 1.0]
    assert found.touched is not None
    assert (found.touched.treated, found.touched.standing_in, found.customers) == (1, 1, 4)


def test_a_missing_history_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"history\.parquet is not there; run `dvc repro`"):
        judged_rows(tmp_path / "history.parquet")
