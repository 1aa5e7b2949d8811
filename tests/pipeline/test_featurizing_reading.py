"""Engagement is read from the row where yesterday ended, and of each slice only what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataError
from features.kinds import KINDS
from features.tables import ENGAGEMENT
from pipeline.featurizing import reading
from pipeline.featurizing.reading import EVERYTHING, Engagement, Wanted

SESSION, REVIEW = KINDS.index("session"), KINDS.index("review")


def engagement(path: Path, rows: list[tuple[str | None, str | None, bool | None]], wanted: Wanted) -> Engagement:
    """A table of (customer, kind, is_machine), known one microsecond after the other, two rows to a group."""
    names = ("customer_id", "kind", "is_machine")
    made = [
        dict.fromkeys(ENGAGEMENT.names) | dict(zip(names, row, strict=True)) | {"known_at": moment}
        for moment, row in enumerate(rows)
    ]
    pq.write_table(pa.Table.from_pylist(made, schema=ENGAGEMENT), path / "engagement.parquet", row_group_size=2)
    return Engagement(path / "engagement.parquet", wanted)


def test_machines_unwanted_kinds_and_rows_without_customer_are_left_out_but_counted(tmp_path: Path) -> None:
    rows = [("a", "session", None), ("b", "session", True), (None, "session", False), ("c", "review", False)]
    table = engagement(tmp_path, [*rows, ("d", "session", False)], Wanted(("session",)))
    (every,) = (table.read(part) for part in table.slices(0))
    assert every.customer_ids.take(pa.array(every.rows)).to_pylist() == ["a", "d"]
    assert {name: values.tolist() for name, values in every.columns.items()} == {
        "kind": [SESSION, SESSION], "time": [0, 4], "value": [0, 0]
    }  # fmt: skip
    assert (every.kinds[SESSION], every.kinds[REVIEW], every.kinds.sum()) == (4, 1, 5)


@pytest.mark.parametrize("first", range(8))
def test_what_was_read_before_is_not_read_again(first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SLICE_ROWS", 3)  # two groups, and then what is left
    table = engagement(tmp_path, [("a", "session", False)] * 7, EVERYTHING)
    parts = list(table.slices(first))
    times = np.concatenate([np.zeros(0), *(table.read(part).columns["time"] for part in parts)])
    assert times.tolist() == list(range(first, 7))
    assert all(len(part.groups) <= 2 for part in parts)


@pytest.mark.parametrize("kind", ["teleport", None])
def test_a_kind_nobody_knows_is_named(kind: str | None, tmp_path: Path) -> None:
    table = engagement(tmp_path, [("a", "session", False), ("a", kind, False)], EVERYTHING)
    with pytest.raises(DataError, match=f"never lets through: the kind {kind!r}"):
        [table.read(part) for part in table.slices(0)]
