"""The start of the log: who was there before it, and which cutoffs come too soon after it."""

from __future__ import annotations

import pandas as pd
import pytest

from models import log_start
from models.history import History, day
from models.log_start import first_seen_note, settled, started, without_short_logs
from models.recency_rule import RecencyRule
from tests.models.conftest import HORIZON_DAYS, feature_columns, history_of, simulated_shop


def young(cutoffs: list[int]) -> History:
    """A shop whose log starts on 2024-01-01."""
    table = history_of(simulated_shop(600, 900, seed=4), cutoffs)
    return History.of(table, feature_columns(table), HORIZON_DAYS)


def seen(first_days: list[int], horizon: int = 10) -> History:
    """One row a customer at day 100, first seen so many days after the start of the log."""
    table = pd.DataFrame({"btyd_T": [100.0 - first for first in first_days]})
    table["customer_id"] = [f"c{number}" for number in range(len(first_days))]
    table["cutoff"] = pd.to_datetime(["2024-04-10"] * len(first_days), utc=True)
    return History.of(table.assign(churned=1), ["btyd_T"], horizon)


def test_the_log_starts_with_its_first_order() -> None:
    assert day(started(seen([0, 5, 80]))) == "2024-01-01"


def test_cutoffs_with_less_than_ninety_days_of_log_are_not_settled_but_the_last_one_stays() -> None:
    assert [day(moment) for moment in settled(young([40, 89, 92, 300])).moments()] == ["2024-04-02", "2024-10-27"]
    assert [day(moment) for moment in settled(young([30, 60])).moments()] == ["2024-03-01"]


@pytest.mark.parametrize("better", [True, False])
def test_short_logs_are_left_out_only_if_that_is_better_at_every_origin(
    better: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = young([40, 70, 120, 150, 240, 270, 360, 450])
    fewest = len(young([40, 70]))
    loss = iter([0.4, 0.4, 0.4, 0.5, 0.5, 0.5 if better else 0.3])
    monkeypatch.setattr(log_start, "loss_of", lambda *_: next(loss))
    said: list[str] = []
    kept, notes = without_short_logs(history, RecencyRule(), 3, said.append)
    assert len(history) - len(kept) == (fewest if better else 0)
    assert notes == tuple(said)
    assert f"2 cutoff(s) with less than 90 days of log before them {'left out' if better else 'kept'}" in notes[0]


def test_a_log_long_enough_is_not_spoken_of() -> None:
    history = young([120, 240, 360])
    kept, notes = without_short_logs(history, RecencyRule(), 3, print)
    assert (kept is history, notes) == (True, ())


def test_one_origin_is_too_weak_a_proof_to_leave_rows_out(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = iter([0.4, 0.5])  # better without the short log
    monkeypatch.setattr(log_start, "loss_of", lambda *_: next(loss))
    kept, notes = without_short_logs(young([40, 130, 220, 320]), RecencyRule(), 1, lambda _: None)
    assert len(kept.moments()) == 4
    assert "not better at every one of 1 origin(s)" in notes[0]


def test_a_rush_of_first_orders_at_the_start_of_the_log_is_said() -> None:
    rush = [0] * 6 + [15, 25, 35, 45, 95]
    assert (
        "55% of the customers were first seen in the first 10 days of the log (6; later 0"
        in first_seen_note(seen(rush))[0]
    )


def test_a_shop_that_opened_with_its_log_has_nothing_to_say() -> None:
    assert first_seen_note(seen([0, 1, 11, 12, 21, 22, 31, 32, 41])) == ()
    assert first_seen_note(seen([0, *range(5, 100, 5)])) == ()
