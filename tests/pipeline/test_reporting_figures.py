"""Figures: which lines are drawn from the curve files, and what is left out when there is nothing."""

from __future__ import annotations

from pathlib import Path

from pipeline.files import write_text
from pipeline.reporting.evidence import Evidence
from pipeline.reporting.figures import calibration, figures, gain, read_curves
from tests.pipeline.reporting_html import read_page

CURVES = {
    name: [(0.0, 0.0), (1.0, 1.0)] for name in ("bgnbd", "blend", "logistic", "recency_rule", "xgboost", "xgboost_btyd")
}


def names(drawing: str | None) -> list[str]:
    return [text.text for text in read_page(drawing or "").texts if text.around[-1].tag == "li"]


def test_curves_are_read_per_candidate_in_file_order(tmp_path: Path) -> None:
    write_text(tmp_path / "gain.csv", "candidate,a,b\nrule,0,0\nlogistic,0,0.5\nrule,1,1\n")
    assert read_curves(tmp_path / "gain.csv", "a", "b") == {"rule": [(0.0, 0.0), (1.0, 1.0)], "logistic": [(0.0, 0.5)]}


def test_a_curve_file_that_is_missing_gives_no_figure(tmp_path: Path) -> None:
    assert read_curves(tmp_path / "none.csv", "a", "b") == {}
    assert gain({}, "logistic") is None
    assert calibration({}, "logistic") is None


def test_ours_stands_first_beside_the_four_plain_methods() -> None:
    assert names(gain(CURVES, "blend")) == [
        "Our model",
        "Recency rule",
        "Logistic regression",
        "BG/NBD",
        "XGBoost alone",
        "By chance",
    ]


def test_a_chosen_baseline_is_drawn_once() -> None:
    assert names(gain(CURVES, "logistic")) == ["Our model", "Recency rule", "BG/NBD", "XGBoost alone", "By chance"]


def test_an_empty_shop_has_no_figures(tmp_path: Path) -> None:
    assert set(figures(Evidence({"shop": {"churn": [], "ladder": []}}), tmp_path).values()) == {None}


def test_calibration_zooms_to_where_the_points_are() -> None:
    near = {"logistic": [(0.72, 0.7), (0.95, 0.97)]}
    ticks = [text.text for text in read_page(calibration(near, "logistic") or "").texts if text.text.endswith("%")]
    assert min(int(tick.split()[0]) for tick in ticks) >= 60
