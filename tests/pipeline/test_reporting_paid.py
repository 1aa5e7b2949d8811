"""The part of the page that says whether it paid: in every state, and only with numbers of effect.json."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import paths
from pipeline.files import write_json
from pipeline.params import load_params
from pipeline.report import report
from tests.pipeline.effect_inputs import EFFECT, MEASURED, NOTHING
from tests.pipeline.reporting_html import PageReader, read_page
from tests.pipeline.reporting_inputs import write_run

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(folder: Path, effect: dict[str, object] | None) -> PageReader:
    write_run(folder)
    paths.EFFECT.unlink()
    if effect is not None:
        write_json(paths.EFFECT, effect)
    report(PARAMS)
    return read_page(paths.REPORT.read_text(encoding="utf-8"))


def shown(page: PageReader) -> dict[str, str]:
    return {str(e.attributes["data-key"]): e.text for e in page.elements if "data-key" in e.attributes}


def words(page: PageReader) -> str:
    return " ".join(text.text for text in page.texts)


def test_the_part_tells_the_effect_with_interval_total_and_what_could_be_seen(here: Path) -> None:
    page = made(here, EFFECT)
    told = shown(page)
    assert (page.faults, page.unclosed) == ([], [])
    assert told["effect.json#/overall/effect_with_cuped_money/low"] == "GBP 0.52"
    assert told["effect.json#/overall/total_money/value"] == "GBP 1,064"
    assert told["effect.json#/policy_versions/2/smallest_effect_money"] == "GBP 0.88"
    assert told["effect.json#/uplift/actions/follow_up/ordered_more/value"] == "2.1\u202f%"
    assert "X-learner: who they are matters" in words(page)
    assert '<a href="#paid">' in paths.REPORT.read_text(encoding="utf-8")


def test_an_action_nobody_had_has_no_row(here: Path) -> None:
    told = shown(made(here, EFFECT))
    assert "effect.json#/actions/follow_up/treated" in told
    assert told["effect.json#/actions/follow_up/against_own_control/control"] == "44"
    assert not [key for key in told if key.startswith("effect.json#/actions/how_to_content")]


def test_before_anything_is_sent_it_says_what_the_control_group_could_show(here: Path) -> None:
    page = made(here, NOTHING)
    assert "Nothing has been sent yet" in words(page)
    assert shown(page)["effect.json#/planned/smallest_effect_money"] == "GBP 0.91"
    assert not [key for key in shown(page) if key.startswith("effect.json#/overall")]


def test_learning_and_an_alarm_are_said_aloud(here: Path) -> None:
    alarm = {"expected_treated": 700.0, "p_value": 0.00001, "alarm": True}
    overall = EFFECT["overall"] | {"sample_ratio": alarm, "state": "learning"}  # type: ignore[operator]
    page = made(here, EFFECT | {"overall": overall, "state": "learning"})
    assert "This is still being learned" in words(page)
    assert "no number here can be trusted" in words(page)
    assert not MEASURED["sample_ratio"]["alarm"]  # type: ignore[index]
    assert "no number here can be trusted" not in words(made(here, EFFECT))


def test_a_run_that_did_not_measure_it_has_no_such_part(here: Path) -> None:
    page = made(here, None)
    assert not [key for key in shown(page) if key.startswith("effect.json")]
    assert '<a href="#paid">' not in paths.REPORT.read_text(encoding="utf-8")
