"""Waits from a log of orders, by hand, and the process model that the outlook takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.btyd import BgNbd
from models.intervals import Interval
from models.scorer import Scorer
from pipeline.outlook.known import Log, customers_of, known, process_of, told
from tests.formulas import BGNBD
from tests.pipeline.tiny_shop import BLEND, RECENCY, write_model, write_tiny_shop


def moments(*days: str) -> pd.Series:
    return pd.Series(pd.to_datetime(days, utc=True, format="ISO8601").as_unit("us"))


LOG = Log(
    pd.DataFrame(
        {
            "customer_id": ["b", "a", "a", "a", "c"],
            "known_at": moments("2025-03-05", "2025-03-20 12:00", "2025-02-01", "2025-03-01", "2025-06-01"),
        }
    ),
    pd.Timestamp("2025-05-01", tz="UTC"),
)


def test_a_wait_runs_to_the_first_order_at_or_after_the_cutoff_of_the_same_customer() -> None:
    rows = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "b", "c", "unknown"],
            "cutoff": moments("2025-03-01", "2025-03-02", "2025-03-01", "2025-03-06", "2025-03-01", "2025-03-01"),
        }
    )
    # an order at the cutoff lies in the horizon; c's order comes after the end of the log
    assert LOG.waits_days(rows).tolist() == [0.0, 18.5, 4.0, np.inf, np.inf, np.inf]


def test_a_log_without_orders_leaves_everybody_waiting() -> None:
    empty = Log(LOG.orders.iloc[:0], LOG.as_of)
    assert empty.waits_days(pd.DataFrame({"customer_id": ["a"], "cutoff": moments("2025-03-01")})).tolist() == [np.inf]


def test_a_shop_of_many_customers_has_each_her_own_wait() -> None:
    days = np.arange(60_000) % 365
    start = pd.Timestamp("2025-01-01", tz="UTC").as_unit("us")
    rows = pd.DataFrame({"customer_id": [f"c{number}" for number in range(len(days))], "cutoff": start})
    orders = pd.DataFrame({"customer_id": rows["customer_id"], "known_at": start + pd.to_timedelta(days, "D")})
    log = Log(orders.iloc[::-1], start + pd.Timedelta(days=365))
    assert (log.waits_days(rows) == days).all()


def test_the_follow_up_runs_to_the_end_of_the_log() -> None:
    assert LOG.follow_up_days(pd.Timestamp("2025-03-01", tz="UTC")) == 61.0


def test_the_waits_of_the_tiny_shop_agree_with_its_labels(tmp_path: Path) -> None:
    write_tiny_shop(tmp_path)
    history = pd.read_parquet(tmp_path / "data/features/history.parquet")
    log = Log(pd.read_parquet(tmp_path / "data/clean/orders.parquet"), pd.Timestamp("2025-10-01", tz="UTC"))
    assert ((log.waits_days(history) < 90) == (history["churned"] == 0)).all()


def test_the_process_model_is_the_scorers_own_where_it_has_one(tmp_path: Path) -> None:
    write_model(tmp_path / "blend", "blend", BLEND)
    write_model(tmp_path / "rule", "recency_rule", RECENCY)
    write_tiny_shop(tmp_path)
    history = pd.read_parquet(tmp_path / "data/features/history.parquet")
    rows = history[history["cutoff"] == history["cutoff"].min()]
    own, fitted = (process_of(Scorer.load(tmp_path / name), rows) for name in ("blend", "rule"))
    assert own == BgNbd(*(BGNBD[name] for name in ("r", "alpha", "a", "b")))  # type: ignore[arg-type]
    assert fitted != own
    assert min(fitted.r, fitted.alpha, fitted.a, fitted.b) > 0


def test_a_customer_without_an_order_has_no_order_value() -> None:
    rows = pd.DataFrame({"btyd_x": [1, 0], "btyd_T": [9.0, 9.0], "orders_ever": [2, 0], "spend_ever": [30.0, 0.0]})
    assert customers_of(rows).order_value == pytest.approx([15.0, np.nan], nan_ok=True)


def test_what_is_not_a_number_is_null_in_json() -> None:
    assert told(Interval(1.23456789, float("nan"), 2.0), 2) == {"value": 1.23, "low": None, "high": 2.0}
    assert known(None) is None
    assert known(float("inf")) is None
