"""The report stage on hand-made files: the page against the JSON files, absences, bad input, equal bytes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import cast

import pytest

from features.errors import DataError
from pipeline import paths
from pipeline.files import read_json, write_json
from pipeline.params import Params, load_params
from pipeline.report import report
from tests.pipeline.reporting_html import REASONS, Element, PageReader, read_page
from tests.pipeline.reporting_inputs import write_run

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
FILES = {path.name: path for path in (paths.CATALOGUE, paths.QUALITY, paths.BACKTEST, paths.METRICS, paths.GATE)}
FILES |= {path.name: path for path in (paths.PLAN_COUNTS, paths.SHOP, paths.WATCH, paths.EFFECT, paths.TUNING)}
OUTSIDE = re.compile(r"""(?:src|srcset|action|data|poster)\s*=|url\(|@import|https?://|//cdn|<script|<link|<iframe""")
OF_TRIALS = ((0, "0.594"), (3, "0.583"), (0, "0.594"))  # as set, the best other one, in use
SCALES = {"%": 0.01, "M": 1e6, "k": 1e3}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path)
    return PARAMS


def made(params: Params = PARAMS) -> PageReader:
    report(params)
    return read_page(paths.REPORT.read_text(encoding="utf-8"))


def source_of(key: str) -> object:
    """The value a `data-key` points at: file name, then an RFC 6901 pointer."""
    file, _, pointer = key.partition("#/")
    value: object = json.loads(FILES[file].read_text(encoding="utf-8"))
    for step in pointer.split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else cast("dict[str, object]", value)[name]
    return value


def bound(page: PageReader) -> list[Element]:
    return [element for element in page.elements if "data-key" in element.attributes]


def says(element: Element, value: float, in_per_cent: bool) -> bool:
    """Whether the text of an element is the value, to the digits shown."""
    found = re.fullmatch(r"[<>]?(?:[A-Z]{3} )?(-?[\d,]+)(\.\d+)?(?:\u202f([%Mk]))?", element.text)
    if found is None:
        return False
    scale = 0.01 if in_per_cent else SCALES.get(found[3], 1.0)
    if element.text[0] in "<>":
        return value > 0.999 if element.text[0] == ">" else 0 < value < 0.001
    shown = float((found[1] + (found[2] or "")).replace(",", "")) * scale
    unit = scale * 10.0 ** (1 - len(found[2])) if found[2] else scale
    return abs(shown - value) <= 0.5 * unit * (1 + 1e-9)


def test_every_number_on_the_page_is_the_number_of_its_file(run: Params) -> None:
    elements = bound(made(run))
    assert len(elements) > 230
    for element in elements:
        key = str(element.attributes["data-key"])
        assert json.loads(str(element.attributes["data-value"])) == source_of(key), key


def test_every_number_reads_as_its_value_to_the_digits_shown(run: Params) -> None:
    page = made(run)
    cells = {
        id(text.around[-1]) for text in page.texts if any(e.attributes.get("class") == "cell" for e in text.around)
    }
    checked = 0
    for element in bound(page):
        value = json.loads(str(element.attributes["data-value"]))
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert says(element, value, id(element) in cells), (element.attributes["data-key"], element.text)
            checked += 1
    assert checked > 200


def test_no_digit_stands_on_the_page_without_a_source_or_a_reason(run: Params) -> None:
    for text in made(run).texts:
        if re.search(r"\d", text.text) and text.around[-1].tag != "style" and text.inside("data-key") is None:
            assert text.inside("data-plain") in REASONS, text.text


def test_the_files_behind_the_page_are_all_used(run: Params) -> None:
    used = {str(element.attributes["data-key"]).partition("#")[0] for element in bound(made(run))}
    assert used == set(FILES)


def test_a_changed_number_in_a_file_changes_the_page(run: Params) -> None:
    before = made(run).texts
    metrics = json.loads(paths.METRICS.read_text(encoding="utf-8"))
    metrics["churn_rate"]["value"] = 0.123
    write_json(paths.METRICS, metrics)
    after = [text.text for text in made(run).texts]
    assert "12.3\u202f%" in after
    assert "12.3\u202f%" not in [text.text for text in before]


def test_the_page_is_valid_and_its_ids_are_unique(run: Params) -> None:
    page = made(run)
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert (page.faults, page.unclosed) == ([], [])
    assert len(ids) == len(set(ids)) > 15
    links = {str(e.attributes["href"]) for e in page.elements if e.tag == "a"}
    assert {link for link in links if link.startswith("#")} <= {f"#{name}" for name in ids}
    labelled = " ".join(str(e.attributes.get("aria-labelledby") or "") for e in page.elements).split()
    assert labelled
    assert set(labelled) <= {str(name) for name in ids}


def test_the_page_asks_nobody_else_for_anything(run: Params) -> None:
    report(run)
    assert OUTSIDE.findall(paths.REPORT.read_text(encoding="utf-8")) == []


def test_the_same_files_give_the_same_bytes(run: Params) -> None:
    report(run)
    first = (paths.REPORT.read_bytes(), paths.SHOP.read_bytes())
    report(run)
    assert (paths.REPORT.read_bytes(), paths.SHOP.read_bytes()) == first
    assert len(first[0]) < 200_000


def test_the_counts_of_the_page_agree_with_the_plan_file(run: Params) -> None:
    made(run)
    shop = read_json(paths.SHOP)
    assert cast("dict[str, object]", shop["audience"])["contacted"] == read_json(paths.PLAN_COUNTS)["contacted"]


def test_a_shop_without_revenue_gets_a_page_without_money_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path, revenue=False)
    page = made()
    words = " ".join(text.text for text in page.texts)
    assert "no revenue, so every figure about money is left out" in words
    assert "Value at risk" not in words
    assert [e for e in bound(page) if "value_at_risk" in str(e.attributes["data-key"])] == []


def test_the_verdict_of_the_leakage_proof_stands_on_the_page(run: Params) -> None:
    def verdict() -> list[str]:
        return [
            e.text
            for e in made(run).elements
            if "verdict" in str(e.attributes.get("class")) and e.text[:2] in ("Pa", "Fa")
        ]

    assert verdict() == ["Passed"]
    catalogue = read_json(paths.CATALOGUE)
    write_json(paths.CATALOGUE, catalogue | {"leakage_proof": {**catalogue["leakage_proof"], "passed": False}})  # type: ignore[dict-item]
    assert verdict() == ["Failed"]


def test_engagement_that_is_absent_is_named_with_what_follows(run: Params) -> None:
    words = " ".join(text.text for text in made(run).texts)
    assert "No engagement: risk is read from orders alone" in words


def test_a_page_without_gate_oracle_card_and_curves_says_what_is_not_there(run: Params) -> None:
    metrics = read_json(paths.METRICS)
    write_json(
        paths.METRICS, {key: value for key, value in metrics.items() if key not in ("oracle", "drift", "segments")}
    )
    for path in (paths.GATE, paths.MODEL_CARD, *paths.PLOTS.iterdir()):
        path.unlink()
    page = made(run)
    words = " ".join(text.text for text in page.texts)
    assert "No gate has been asked yet" in words
    assert "Oracle" not in words
    assert (page.faults, page.unclosed) == ([], [])


def test_what_the_watch_warns_of_stands_on_the_page(run: Params) -> None:
    words = [text.text for text in made(run).texts]
    assert "the scores moved since training: stability index 0.15, above 0.1" in words
    assert "Look here" in words
    write_json(paths.WATCH, read_json(paths.WATCH) | {"warnings": []})
    assert "Nothing to warn of" in [text.text for text in made(run).texts]


def rows_of_tuning(page: PageReader) -> list[str]:
    """Source and text of each cell about the search for settings."""
    cells = [(str(one.attributes["data-key"]).removeprefix("tuning.json#/"), one.text) for one in bound(page)]
    told = [f"{key}: {text}" for key, text in cells if str(key).startswith(("trials/", "settings/"))]
    return [one for one in told if "max_depth" in one or "log_loss" in one]


def test_the_search_for_settings_tells_its_best_other_trial_and_what_it_changed(run: Params) -> None:
    page = made(run)
    words = [text.text for text in page.texts]
    assert "the settings of params stay: trial 3 is not better at every origin" in words
    assert "Unchanged" in words
    assert "trials/3/settings/max_depth: 3" in rows_of_tuning(page)  # the pruned one saw fewer origins
    assert rows_of_tuning(page)[-3:] == [f"trials/{at}/mean_log_loss: {loss}" for at, loss in OF_TRIALS]
    tuning = read_json(paths.TUNING)
    write_json(paths.TUNING, tuning | {"trial": 3, "settings": {"max_depth": 3, "learning_rate": 0.0312}})
    page = made(run)
    assert "Changed" in [text.text for text in page.texts]
    assert "settings/max_depth: 3" in rows_of_tuning(page)


def test_without_a_search_the_page_says_why_and_shows_no_table(run: Params) -> None:
    tuning = read_json(paths.TUNING) | {"trials": [], "trial": None, "why": "no search: train.tuning.trials is 0"}
    write_json(paths.TUNING, tuning)
    page = made(run)
    words = [text.text for text in page.texts]
    assert "no search: train.tuning.trials is 0" in words
    assert not {"Best other trial", "Unchanged"} & set(words)
    assert (page.faults, page.unclosed) == ([], [])


def test_a_page_without_a_watch_has_no_such_part(run: Params) -> None:
    paths.WATCH.unlink()
    page = made(run)
    assert "watch" not in [element.attributes.get("id") for element in page.elements]
    assert (page.faults, page.unclosed) == ([], [])


def test_a_markup_character_in_the_data_stays_text(run: Params) -> None:
    quality = read_json(paths.QUALITY)
    write_json(paths.QUALITY, quality | {"notes": ["<b id='x'>5 & 6</b>"]})
    page = made(run)
    assert "<b id='x'>5 & 6</b>" in [text.text for text in page.texts]
    assert page.faults == []


def test_a_missing_file_stops_the_stage_and_leaves_nothing_half_written(run: Params) -> None:
    paths.METRICS.unlink()
    with pytest.raises(DataError, match=r"metrics\.json is not there; run `dvc repro`"):
        report(run)
    assert not paths.REPORT.exists()
    assert not paths.SHOP.exists()
