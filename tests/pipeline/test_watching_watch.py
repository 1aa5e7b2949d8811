"""`reports/watch.json` as a whole: warnings above the limits and none below, the same bytes again."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from pipeline import paths
from pipeline.files import read_json, read_table, write_table
from pipeline.params import Params
from pipeline.score import score
from tests.pipeline.tiny_shop import BLEND, SIZE, tiny_params, write_model, write_tiny_shop


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    found = tiny_params()
    monkeypatch.chdir(tmp_path)
    write_tiny_shop(tmp_path)
    # A model that never saw the last two cutoffs, right in rank and in level.
    write_model(paths.CHAMPION, "blend", BLEND, trained_on=(0,), calibration={"intercept": -0.1, "slope": 1.0})
    return found


def watch(params: Params, **limits: float) -> dict[str, object]:
    section = params.score.watch.model_copy(update=limits)
    score(params.model_copy(update={"score": params.score.model_copy(update={"watch": section})}))
    return read_json(paths.WATCH)


def warnings(params: Params, **limits: float) -> list[str]:
    return cast("list[str]", watch(params, **limits)["warnings"])


def silent(params: Params) -> None:
    current = read_table(paths.CURRENT)
    write_table(paths.CURRENT, current.assign(days_since_last_order=current["days_since_last_order"] + 150.0))


def test_a_shop_like_yesterdays_gets_no_warning(params: Params) -> None:
    assert warnings(params, churn_rate_gap=0.2) == []


def test_what_moved_is_said_with_its_limit_and_the_features_that_moved_most(
    params: Params, capsys: pytest.CaptureFixture[str]
) -> None:
    silent(params)
    found = warnings(params, churn_rate_gap=0.2)
    assert len(found) == 2
    assert "the features, weighted by what they move in the scores, moved much since training" in found[0]
    assert "above 0.25" in found[0]
    assert "most: days_since_last_order" in found[0]
    assert "the scores moved" in found[1]
    told = capsys.readouterr().out
    assert f"beware: {found[0]}" in told


def test_a_higher_limit_is_not_exceeded(params: Params) -> None:
    silent(params)
    assert warnings(params, churn_rate_gap=0.2, moved_psi=99.0, much_moved_psi=99.0) == []


def test_a_promise_that_was_not_kept_at_the_latest_closed_horizon_is_a_warning(params: Params) -> None:
    history = read_table(paths.HISTORY)
    last = history["cutoff"] == history["cutoff"].max()
    write_table(paths.HISTORY, history.assign(churned=history["churned"].where(~last, 1).astype("int8")))
    (found,) = warnings(params)
    assert "the calibration drifted: of 120 customers at 2025-07-01" in found
    assert "1.000 left" in found


def test_it_says_what_to_expect_of_todays_scores(params: Params) -> None:
    told = watch(params)
    expected = cast("dict[str, dict[str, float]]", told["expected"])
    mean = read_table(paths.SCORES)["churn_probability"].mean()
    assert expected["churn_rate"]["expected"] == pytest.approx(mean, abs=1e-6)
    assert all(each["low"] < each["expected"] < each["high"] for each in expected.values())
    assert told["customers"] == SIZE


def test_the_same_inputs_give_the_same_bytes(params: Params) -> None:
    score(params)
    before = paths.WATCH.read_bytes()
    score(params)
    assert paths.WATCH.read_bytes() == before
