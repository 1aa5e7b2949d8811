"""Differences of params, code and data, on values small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.drift import stability_index
from pipeline.comparing.sides import Side
from pipeline.comparing.versions import code_told, data_told, params_told


def side(letter: str, params: dict[str, str], tags: dict[str, str], facts: dict[str, object] | None = None) -> Side:
    return Side(letter, letter, letter * 8, "2025-11-01T00:00:00+00:00", params, tags, pd.DataFrame(), facts or {})


def test_params_that_differ_stand_with_both_values_and_the_rest_is_counted() -> None:
    first = side("A", {"train.seed": "7", "train.origins": "3", "train.old": "x"}, {})
    second = side("B", {"train.seed": "8", "train.origins": "3", "train.new": "y"}, {})
    assert params_told(first, second) == {
        "changed": [
            {"name": "train.new", "a": None, "b": "y"},
            {"name": "train.old", "a": "x", "b": None},
            {"name": "train.seed", "a": "7", "b": "8"},
        ],
        "same": 1,
    }


def test_code_that_differs_is_named_and_what_is_the_same_is_not() -> None:
    first = side("A", {}, {"dvc.dep.models": "1" * 32, "dvc.dep.features": "2" * 32, "git.sha": "f" * 40})
    second = side("B", {}, {"dvc.dep.models": "3" * 32, "dvc.dep.features": "2" * 32, "git.dirty": "true"})
    told = code_told(first, second)
    assert [entry["path"] for entry in told["changed"]] == ["models"]  # type: ignore[attr-defined]
    assert (told["a"], told["b"], told["dirty_a"], told["dirty_b"]) == ("ffffffff", "unknown", False, True)


def table(rows: int, **columns: str) -> dict[str, object]:
    return {"rows": rows, "columns": columns, "from": "2025-01-01T00:00:00", "to": "2025-07-01T00:00:00"}


def test_data_has_digest_rows_period_and_schema() -> None:
    out = "dvc.out.data/raw"
    first = side("A", {}, {out: "1" * 32}, {"tables": {"a.parquet": table(5, x="double", y="int64")}})
    second = side("B", {}, {out: "2" * 32}, {"tables": {"a.parquet": table(6, x="string", z="int64")}})
    told = data_told(first, second)
    assert told["digests"] == [{"path": "data/raw", "a": "11111111", "b": "22222222", "same": False}]
    assert told["tables"][0]["a"] == {  # type: ignore[index]
        "rows": 5,
        "columns": 2,
        "from": "2025-01-01T00:00:00",
        "to": "2025-07-01T00:00:00",
    }
    assert [(change["column"], change["a"], change["b"]) for change in told["schema"]] == [  # type: ignore[attr-defined]
        ("x", "double", "string"),
        ("y", "int64", None),
        ("z", None, "int64"),
    ]


def test_the_stability_index_ranks_the_columns_that_moved() -> None:
    steady, moved = [float(value) for value in range(200)], [float(value) + 100 for value in range(200)]
    half_empty = [*steady[:100], *([None] * 100)]
    first = side("A", {}, {}, {"samples": {"steady": steady, "moved": steady, "emptied": steady, "gone": steady}})
    second = side("B", {}, {}, {"samples": {"steady": steady, "moved": moved, "emptied": half_empty, "gone": []}})
    told = data_told(first, second)["stability"]
    assert told["columns"] == 3  # type: ignore[index]
    assert told["much"] == 2  # type: ignore[index]
    assert {entry["column"] for entry in told["most"]} == {"moved", "emptied"}  # type: ignore[index]
    known = stability_index(np.array(steady), np.array(moved))
    by_name = {entry["column"]: entry["index"] for entry in told["most"]}  # type: ignore[index]
    assert by_name["moved"] == pytest.approx(known, abs=1e-4)


def test_runs_without_samples_have_no_stability_index() -> None:
    assert data_told(side("A", {}, {}), side("B", {}, {}))["stability"] is None
