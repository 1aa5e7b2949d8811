"""What a run keeps for later: facts of tables, samples of columns, and the backtest as a curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from models.drift import stability_index
from pipeline.files import write_table
from pipeline.tracking.facts import SAMPLE, column_samples, kept_rows, stepped, table_facts


def test_a_table_has_rows_types_and_the_period_of_its_time(tmp_path: Path) -> None:
    days = pd.to_datetime(["2025-03-01", "2025-01-01", "2025-02-01"], utc=True).as_unit("us")
    write_table(tmp_path / "clean/orders.parquet", pd.DataFrame({"order_id": ["a", "b", "c"], "ordered_at": days}))
    write_table(tmp_path / "one.parquet", pd.DataFrame({"x": [1.0]}))
    told = table_facts([tmp_path / "clean", tmp_path / "one.parquet", tmp_path / "absent.parquet"])
    orders = told[str(tmp_path / "clean/orders.parquet")]
    assert orders == {
        "rows": 3,
        "columns": {"order_id": orders["columns"]["order_id"], "ordered_at": "timestamp[us, tz=UTC]"},  # type: ignore[index]
        "from": "2025-01-01T00:00:00+00:00",
        "to": "2025-03-01T00:00:00+00:00",
    }
    assert told[str(tmp_path / "one.parquet")]["from"] is None  # type: ignore[index]
    assert len(told) == 2


def test_samples_give_nearly_the_stability_index_of_all_rows(tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    then = np.where(generator.uniform(size=5000) < 0.3, 0.0, generator.gamma(2.0, 30.0, 5000))
    now = np.where(generator.uniform(size=5000) < 0.5, np.nan, generator.gamma(2.0, 40.0, 5000))
    kept = []
    for name, values in (("then", then), ("now", now)):
        write_table(tmp_path / f"{name}.parquet", pd.DataFrame({"customer_id": "c", "days": values}))
        samples = column_samples(tmp_path / f"{name}.parquet")
        assert list(samples) == ["days"]
        assert len(samples["days"]) == SAMPLE
        kept.append(np.array([np.nan if value is None else value for value in samples["days"]]))
    assert stability_index(*kept) == pytest.approx(stability_index(then, now), rel=0.1)
    assert stability_index(kept[0], kept[0]) == 0.0


def test_an_empty_column_and_an_absent_file_have_nothing_to_keep(tmp_path: Path) -> None:
    write_table(tmp_path / "empty.parquet", pd.DataFrame({"days": [np.nan, np.nan]}))
    assert column_samples(tmp_path / "empty.parquet") == {"days": [None] * SAMPLE}
    assert column_samples(tmp_path / "absent.parquet") == {}


def test_the_test_rows_go_without_the_other_candidates(tmp_path: Path) -> None:
    rows = pd.DataFrame({"customer_id": ["c"], "churn_probability": [0.5], "blend": [0.5], "orders_ever": [2.0]})
    write_table(tmp_path / "predictions.parquet", rows)
    kept = kept_rows(tmp_path / "predictions.parquet")
    assert kept.column_names == ["customer_id", "churn_probability", "orders_ever"]
    with pytest.raises(DataError, match=r"absent\.parquet is not there; run `dvc repro evaluate`"):
        kept_rows(tmp_path / "absent.parquet")


def test_the_backtest_is_a_curve_over_the_days_of_its_origins() -> None:
    backtest: dict[str, object] = {
        "origins": ["1970-01-02", "1970-01-11T00:00:00+00:00"],
        "candidates": {"blend": {"log_loss": [0.5, 0.4], "mean_log_loss": 0.45, "brier": [0.2, float("nan")]}},
    }
    assert stepped(backtest, "blend") == {"backtest_log_loss": {1: 0.5, 10: 0.4}, "backtest_brier": {1: 0.2}}
    assert stepped(backtest, "absent") == {}
    assert stepped({}, "blend") == {}
