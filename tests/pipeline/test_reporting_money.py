"""The part of the page about value, timing and profit: what it says, and what it says of a shop that lacks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import paths
from pipeline.files import read_json, write_json, write_text
from pipeline.params import load_params
from pipeline.report import report
from pipeline.reporting.money import profit
from tests.pipeline.money_inputs import CURVE
from tests.pipeline.reporting_html import PageReader, read_page
from tests.pipeline.reporting_inputs import write_run

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


def made(folder: Path, revenue: bool = True, **metrics: object) -> PageReader:
    write_run(folder, revenue)
    write_json(paths.METRICS, read_json(paths.METRICS) | metrics)
    report(PARAMS)
    return read_page(paths.REPORT.read_text(encoding="utf-8"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keys(page: PageReader, part: str) -> list[str]:
    found = [str(element.attributes.get("data-key")) for element in page.elements]
    return [key for key in found if key.startswith(f"metrics.json#/{part}/")]


def words(page: PageReader) -> str:
    return " ".join(text.text for text in page.texts)


def test_the_part_tells_profit_value_timing_and_second_orders(here: Path) -> None:
    page = made(here)
    assert min(len(keys(page, part)) for part in ("profit", "value", "timing", "second_order")) >= 10
    assert (page.faults, page.unclosed) == ([], [])
    assert "Contact 66.7\u202f% of the customers" in words(page)
    assert '<a href="#money">' in paths.REPORT.read_text(encoding="utf-8")


def test_every_assumption_of_the_sensitivity_has_plain_words_and_its_own_unit(here: Path) -> None:
    page = made(here)
    shown = {str(e.attributes.get("data-key")): e.text for e in page.elements}
    assert shown["metrics.json#/profit/sensitivity/0/value"] == "17.5\u202f%"
    assert shown["metrics.json#/profit/sensitivity/1/value"] == "GBP 2.00"
    assert shown["metrics.json#/profit/sensitivity/1/profit"] == "GBP -1.50"
    assert {"Margin share", "Contact cost", "halved", "doubled"} <= {text.text for text in page.texts}


def test_a_shop_without_revenue_says_so_in_one_sentence_and_keeps_the_timing(here: Path) -> None:
    page = made(here, revenue=False)
    assert words(page).count("Value and profit are left out:") == 1
    assert keys(page, "profit") == ["metrics.json#/profit/left_out"]
    assert keys(page, "value") == []
    assert len(keys(page, "timing")) > 10
    assert "profit-chart" not in paths.REPORT.read_text(encoding="utf-8")


def test_a_shop_without_first_time_buyers_says_why_there_is_no_chance_of_a_second_order(here: Path) -> None:
    page = made(here, second_order={"left_out": "0 first-time buyers are too few"})
    assert keys(page, "second_order") == ["metrics.json#/second_order/left_out"]


def test_nobody_who_returned_leaves_the_coverage_empty(here: Path) -> None:
    timing = read_json_timing(here)
    page = made(here, timing=timing | {"test": {**timing["test"], "coverage": None}, "earlier": None})  # type: ignore[dict-item]
    assert [key for key in keys(page, "timing") if "coverage" in key] == []


def read_json_timing(folder: Path) -> dict[str, object]:
    write_run(folder)
    timing = read_json(paths.METRICS)["timing"]
    assert isinstance(timing, dict)
    return timing


def test_a_run_that_did_not_measure_it_has_no_such_part(here: Path) -> None:
    page = made(here, timing=None)
    assert keys(page, "profit") == []
    assert '<a href="#money">' not in paths.REPORT.read_text(encoding="utf-8")


def test_the_curve_has_ours_by_both_orders_and_the_plain_methods(tmp_path: Path) -> None:
    write_text(tmp_path / "profit.csv", CURVE)
    drawn = profit(tmp_path / "profit.csv", "xgboost_btyd")
    names = [text.text for text in read_page(drawn or "").texts if text.around[-1].tag == "li"]
    assert names == ["Our model", "Our model, most at risk first", "Logistic regression"]
    assert profit(tmp_path / "none.csv", "xgboost_btyd") is None
    assert profit(tmp_path / "profit.csv", "blend") is None
