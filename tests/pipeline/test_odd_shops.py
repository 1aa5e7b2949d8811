"""Shops that are hard to learn from, through the real stages: a fallback that the report names, or what to do."""

from __future__ import annotations

import math
import os
import re
import shutil
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from features.errors import DataError, ModelError
from pipeline import paths
from pipeline.files import read_json, read_table
from pipeline.params import Params
from pipeline.promote import promote
from pipeline.track import track
from tests.pipeline.odd_shops import DAYS, HEAD, learned, odd_params, people, scored, write_orders
from tests.pipeline.reporting_html import read_page
from tests.pipeline.tracking_project import ROOT, store_uri

SILENT = range(350, 540)  # days without a single order


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project with a private tracking store, and the working directory in it."""
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "DVC_"))]:
        monkeypatch.delenv(name)
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    for code in ("features", "models"):
        (tmp_path / code).symlink_to(ROOT / code)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri(tmp_path))
    monkeypatch.chdir(tmp_path)


def words() -> str:
    """All that the report says."""
    page = read_page(paths.REPORT.read_text(encoding="utf-8"))
    return re.sub(r"\s+", " ", " ".join(text.text for text in page.texts))


def active(days: int, as_of: str | None = None) -> Params:
    params = odd_params()
    snapshots = params.snapshots.model_copy(update={"active_days": days, "as_of": as_of})
    return params.model_copy(update={"snapshots": snapshots})


def test_a_shop_without_money_or_engagement_is_scored_and_the_report_says_what_it_lacks() -> None:
    write_orders(people(200), "order_id,customer_id,ordered_at")
    scored(odd_params())
    scores = read_table(paths.SCORES)
    assert scores["churn_probability"].between(0, 1).all()
    assert scores["expected_value"].isna().all()
    assert "no revenue, so every figure about money is left out" in words()
    assert "No engagement: risk is read from orders alone" in words()


def test_columns_that_are_constant_or_all_empty_are_not_used_and_named() -> None:
    same_price = [(customer, day, 10.0) for customer, day, _ in people(200)]
    write_orders(same_price, f"{HEAD},discount")
    scored(odd_params())
    assert "discount" in cast("list[str]", read_json(paths.QUALITY)["absent"])
    assert "Not used, constant or empty in training: order_value_largest" in words()
    assert "No discounts: features about discount habits are left out" in words()


def test_infinite_amounts_are_refused_row_by_row_and_the_rest_is_scored() -> None:
    rows = [(who, day, math.inf if at % 50 == 0 else paid) for at, (who, day, paid) in enumerate(people(200))]
    write_orders(rows)
    scored(odd_params())
    quarantine = cast("dict[str, dict[str, int]]", read_json(paths.QUALITY)["quarantine"])
    assert quarantine["orders"] == {"not an amount such as 1234.50": math.ceil(len(rows) / 50)}
    assert np.isfinite(read_table(paths.SCORES)["expected_value"]).all()
    assert "Not an amount such as 1234.50" in words()


def test_ten_customers_are_scored_with_wide_intervals_and_warnings() -> None:
    write_orders(people(10, seed=2))
    scored(odd_params())
    assert 1 <= len(read_table(paths.SCORES)) <= 10
    metrics = cast("dict[str, dict[str, dict[str, float]]]", read_json(paths.METRICS)["metrics"])
    assert metrics["log_loss"]["ours"]["high"] - metrics["log_loss"]["ours"]["low"] > 0.1
    assert "calibration error 0." in words()
    assert "In force" in words()


def test_a_shop_of_one_time_buyers_is_told_that_nobody_came_back_and_what_to_look_at() -> None:
    draw = np.random.default_rng(3)
    write_orders([(f"c{number}", int(draw.integers(0, DAYS)), 20.0) for number in range(200)])
    with pytest.raises(DataError, match=r"nobody has bought twice: all \d+ customers .* Check that customer_id names"):
        learned(odd_params())
    assert not paths.MODEL.exists()


def test_a_shop_that_nobody_leaves_has_one_class_and_says_what_to_change() -> None:
    write_orders([(f"c{number}", day, 20.0) for number in range(30) for day in range(0, DAYS, 7)])
    with pytest.raises(DataError, match=r"only one class: 0 of 30 rows .*shorter horizons"):
        learned(odd_params())


def test_a_cutoff_without_events_around_it_is_named_with_what_to_change() -> None:
    write_orders([order for order in people(200) if order[1] not in SILENT])
    with pytest.raises(DataError, match=r"nobody is in the population at 2024-03-18.* Raise snapshots.active_days"):
        learned(active(90))


def test_a_shop_silent_until_today_is_refused_by_date() -> None:
    write_orders([order for order in people(200) if order[1] < SILENT.stop])
    with pytest.raises(DataError, match=r"nobody is in the population at 2024-12-21"):
        learned(active(90, as_of="2024-12-21"))


def test_a_model_misled_by_half_a_year_of_silence_is_stopped_at_the_gate_with_what_to_do() -> None:
    params = odd_params()
    write_orders([order for order in people(200) if order[1] not in SILENT])
    learned(params)
    track(params)
    with pytest.raises(ModelError, match=r"(?s)skill over the churn rate alone -0.*give it more data"):
        promote(params)
    assert not paths.CHAMPION.exists()
