"""Which cutoffs may be learned from, and when there is nothing to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from models.history import History, day, iso, require_learnable


def small(days: list[int], churned: list[int] | None = None, horizon: int = 60) -> History:
    """Two rows a cutoff, `days` after 2025-01-01."""
    times = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(np.repeat(days, 2), unit="D")
    labels = [0, 1] * len(days) if churned is None else churned
    ids = ["a", "b"] * len(days)
    table = pd.DataFrame({"customer_id": ids, "cutoff": times, "one": 1.0, "churned": labels})
    return History.of(table, ["one"], horizon)


def names(moments: list[np.datetime64]) -> list[str]:
    return [day(moment) for moment in moments]


def test_a_label_window_that_ends_at_the_moment_is_closed_and_one_that_ends_later_is_not() -> None:
    history = small([0, 30, 60, 90])
    assert names(history.closed_by(history.moments()[2])) == ["2025-01-01"]
    assert names(history.closed_by(history.moments()[3])) == ["2025-01-01", "2025-01-31"]


def test_origins_have_a_closed_future_and_a_past_and_are_the_latest() -> None:
    history = small([0, 30, 60, 90, 120, 150])
    # test = day 150; closed by it: 0, 30, 60, 90; of these 60 and 90 have something closed before them.
    assert names(history.origins(5)) == ["2025-03-02", "2025-04-01"]
    assert names(history.origins(1)) == ["2025-04-01"]


def test_iso_is_written_as_the_catalogue_writes_it() -> None:
    assert iso(small([0, 60]).moments()[0]) == "2025-01-01T00:00:00+00:00"


def test_one_cutoff_is_too_few() -> None:
    with pytest.raises(DataError, match=r"1 closed cutoff\(s\), and two are needed"):
        require_learnable(small([0]))


def test_overlapping_label_windows_leave_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match=r"none of 2 closed cutoffs has a 60-day label window.*only 30 days before"):
        require_learnable(small([0, 30]))


def test_one_class_names_cutoff_and_rows() -> None:
    with pytest.raises(DataError, match=r"2 of 2 rows of the test cutoff\(s\) 2025-03-02 churned"):
        require_learnable(small([0, 60], [0, 1, 1, 1]))
    with pytest.raises(DataError, match=r"0 of 2 rows of the training cutoff\(s\) 2025-01-01 churned"):
        require_learnable(small([0, 60], [0, 0, 0, 1]))


def test_a_shop_where_nobody_came_back_is_not_told_to_move_the_horizon() -> None:
    lonely = small([0, 60], [1, 1, 1, 1])
    lonely = replace(lonely, features=pd.DataFrame({"btyd_x": np.zeros(4)}))
    with pytest.raises(DataError, match=r"all 2 customers of the 2 cutoffs .*Check that customer_id names") as told:
        require_learnable(lonely)
    assert "snapshots." not in str(told.value)
    one_came_back = replace(lonely, features=pd.DataFrame({"btyd_x": [0.0, 0.0, 0.0, 1.0]}))
    with pytest.raises(DataError, match=r"2 of 2 rows .* Change snapshots.horizon_days \(longer"):
        require_learnable(one_came_back)


def test_a_column_the_catalogue_promises_must_be_there() -> None:
    table = pd.DataFrame({"customer_id": ["a"], "cutoff": pd.to_datetime(["2025-01-01"], utc=True), "churned": [1]})
    with pytest.raises(DataError, match=r"lacks 1 column\(s\), first spend_ever"):
        History.of(table, ["spend_ever"], 90)
