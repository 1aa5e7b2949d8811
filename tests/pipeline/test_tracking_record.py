"""Money and timing in a run: numbers with intervals, the profit curve in steps, nothing where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.files import write_text
from pipeline.tracking.record import candidate_metrics, curves, run_metrics
from tests.pipeline.money_inputs import CURVE, outlook


def test_a_run_holds_profit_empc_errors_and_coverage_with_their_intervals() -> None:
    found = run_metrics(outlook(revenue=True), {})
    assert found["money_profit"] == 120.5
    assert (found["money_profit_low"], found["money_profit_high"]) == (90.25, 150.75)
    assert found["money_share"] == 0.666667
    assert found["money_empc"] == 23.875
    assert (found["revenue_mae"], found["revenue_mae_naive"]) == (120.5, 133.0)
    assert found["next_order_coverage_low"] == 0.774
    assert found["second_order_calibration_error"] == 0.0066


def test_a_run_without_revenue_or_without_any_outlook_has_no_such_number() -> None:
    assert [name for name in run_metrics(outlook(revenue=False), {}) if name.startswith(("money", "revenue"))] == []
    assert run_metrics({"timing": None, "second_order": {"left_out": "too few"}}, {}) == {}


def test_a_candidate_has_its_own_profit() -> None:
    found = candidate_metrics("logistic", outlook(revenue=True), {})
    assert found == {"money_share": 0.5, "money_profit": 99.5, "money_empc": 22.5}


def test_the_profit_curve_is_a_metric_with_a_step_per_percent(tmp_path: Path) -> None:
    write_text(tmp_path / "profit.csv", CURVE)
    profit = curves(tmp_path, "xgboost_btyd")["profit"]
    assert (len(profit), profit[0], profit[50], profit[100]) == (101, 0.0, 130.0, -12.5)
    assert profit[25] == pytest.approx(65.0)
    assert curves(tmp_path, "blend") == {}
