"""`python -m pipeline.compare` of two runs: which are meant, what the page says, and the page in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from features.errors import ConfigError
from models.scorer import Scorer
from pipeline.compare import PAGE, compare
from pipeline.params import Params
from pipeline.tracking.finding import run_of, shelf
from pipeline.tracking.store import open_store
from tests.pipeline.compare_runs import two_runs
from tests.pipeline.reporting_html import PageReader, read_page
from tests.pipeline.test_reporting_catalogue_page import OUTSIDE
from tests.pipeline.test_reporting_page import CHROMIUM, FLAGS


@dataclass(frozen=True)
class Compared:
    """A project with two runs, and what `make compare` made of them."""

    folder: Path
    params: Params
    good: str
    poor: str
    said: str
    html: str

    def document(self) -> dict[str, object]:
        """The values behind the page, as attached to the candidate's run."""
        (found,) = (self.folder / "mlartifacts").rglob(f"{self.poor}/artifacts/compare/*-{self.poor[:8]}.json")
        document: dict[str, object] = json.loads(found.read_text(encoding="utf-8"))
        return document


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    folder = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        params, good, poor = two_runs(folder, patch)
        said = compare(params)
        yield Compared(folder, params, good, poor, said, PAGE.read_text(encoding="utf-8"))


def pages(compared: Compared) -> PageReader:
    return read_page(compared.html)


def test_by_default_the_champion_is_the_reference_and_the_latest_run_the_candidate(compared: Compared) -> None:
    sides = cast("list[dict[str, str]]", compared.document()["sides"])
    assert [(side["letter"], side["run"], side["name"]) for side in sides] == [
        ("A", compared.good, "brisk-otter"),
        ("B", compared.poor, "calm-heron"),
    ]
    assert "A is better; better in 100 of 100 resamples" in compared.said


def test_the_page_is_attached_to_the_candidate_and_to_nobody_else(compared: Compared) -> None:
    name = f"{compared.good[:8]}-{compared.poor[:8]}.html"
    (found,) = (compared.folder / "mlartifacts").rglob("compare/*.html")
    assert (found.name, compared.poor in str(found)) == (name, True)
    assert found.read_text(encoding="utf-8") == compared.html


@pytest.mark.parametrize("wanted", ["champion", "brisk-otter", "1", "v1", "id", "short", "version"])
def test_a_run_goes_by_many_names(compared: Compared, wanted: str) -> None:
    version = Scorer.load(compared.folder / "data/champion").model_version
    named = {"id": compared.good, "short": compared.good[:8], "version": version}.get(wanted, wanted)
    known = shelf(open_store(), compared.params.promote.model_name)
    assert run_of(known, named).info.run_id == compared.good
    assert run_of(known, "latest").info.run_id == compared.poor


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        ("brisk-oter", r"no finished run is called 'brisk-oter'. Did you mean brisk-otter\?"),
        ("champoin", r"Did you mean champion\?"),
        ("zzzz", r"There are \w{8} \(calm-heron\), \w{8} \(brisk-otter\)\."),
        ("99", r"no finished run is called '99'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(compared: Compared, wanted: str, answer: str) -> None:
    with pytest.raises(ConfigError, match=answer):
        compare(compared.params, ["latest", wanted])


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        (["latest"], r"one run alone \(latest\) cannot be compared"),
        (["latest", "calm-heron"], r"latest and calm-heron are the same run"),
        (["--help"], r"there is no option --help\. Use `python -m pipeline\.compare"),
        (["latest"] * 7, r"name at most 6"),
    ],
)
def test_names_that_make_no_comparison_are_refused(compared: Compared, names: list[str], answer: str) -> None:
    with pytest.raises(ConfigError, match=answer):
        compare(compared.params, names)


def test_every_number_on_the_page_is_that_of_the_document(compared: Compared) -> None:
    document = compared.document()
    bound = [element for element in pages(compared).elements if "data-key" in element.attributes]
    assert len(bound) > 300
    for element in bound:
        file, _, pointer = str(element.attributes["data-key"]).partition("#/")
        value: object = document
        for step in pointer.split("/"):
            value = value[int(step)] if isinstance(value, list) else cast("dict[str, object]", value)[step]
        assert (file, json.loads(str(element.attributes["data-value"]))) == ("compare.json", value)


def test_the_page_tells_params_data_and_schema_that_differ(compared: Compared) -> None:
    (pair,) = cast("list[dict[str, dict[str, object]]]", compared.document()["pairs"])
    assert pair["params"]["changed"] == [{"name": "pull.demo.customers", "a": "400", "b": "500"}]
    history = "data/features/history.parquet"
    digests = {entry["path"]: entry for entry in cast("list[dict[str, str]]", pair["data"]["digests"])}
    assert digests[history] == {"path": history, "a": "21234567", "b": "2a234567", "same": False}
    assert digests["data/raw"]["same"] is True
    assert pair["data"]["schema"] == [{"table": history, "column": "orders_90d", "a": None, "b": "double"}]
    assert cast("dict[str, int]", pair["data"]["stability"])["columns"] == 1
    words = [text.text for text in pages(compared).texts]
    assert {"400", "500", "21234567", "2a234567", "differs", "not there"} <= set(words)


def test_the_page_is_valid_escaped_and_asks_nobody_else_for_anything(compared: Compared) -> None:
    page = pages(compared)
    assert (page.faults, page.unclosed) == ([], [])
    assert OUTSIDE.findall(compared.html) == []
    assert "orders_<b>90d" not in compared.html
    assert "&lt;b&gt;" in compared.html
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))


def test_every_chart_has_a_title_a_description_and_a_text_beside_it(compared: Compared) -> None:
    assert compared.html.count('role="img"') == compared.html.count("<title id=") == compared.html.count("<desc") == 3
    assert compared.html.count('class="band') == 6
    assert len(re.findall(r"<figcaption><h3>[^<]+</h3><p>[^<]{40,}</p>", compared.html)) == 3


def test_the_budgets_tell_the_profit_of_both_runs_with_intervals(compared: Compared) -> None:
    (pair,) = cast("list[dict[str, dict[str, dict[str, dict[str, dict[str, float]]]]]]", compared.document()["pairs"])
    earned = pair["quality"]["profit"]
    assert {str(budget["percent"]) for budget in pair["quality"]["budgets"]} == set(earned["budgets"])
    fifth = earned["budgets"]["20"]
    assert fifth["a"]["low"] < fifth["a"]["value"] < fifth["a"]["high"]
    shown = {str(e.attributes.get("data-key")): e.text for e in pages(compared).elements}
    key = "compare.json#/pairs/0/quality/profit/budgets/20/difference/value"
    assert shown[key].replace(",", "").startswith(f"{fifth['difference']['value']:.0f}"[:4])


def test_the_same_runs_make_the_same_page(compared: Compared) -> None:
    compare(compared.params, ["champion", "latest"])
    assert PAGE.read_text(encoding="utf-8") == compared.html


def in_browser(compared: Compared, folder: Path, script: str, width: int = 1280) -> object:
    """What a script says on the page, in Chromium."""
    probe = f"<script>document.title = JSON.stringify((() => {{{script}}})())</script></body>"
    (folder / "page.html").write_text(compared.html.replace("</body>", probe), encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS.split(), f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900"]
    page = (folder / "page.html").as_uri()
    done = subprocess.run([*command, "--dump-dom", page], capture_output=True, text=True, timeout=120, check=True)
    title = done.stdout.split("<title>")[1].split("</title>")[0]
    return json.loads(title.replace("&quot;", '"').replace("&amp;", "&"))


needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium: the page is clicked")


@needs_chromium
def test_a_click_shows_only_the_customers_who_moved_that_way(compared: Compared, tmp_path: Path) -> None:
    told = in_browser(
        compared,
        tmp_path,
        """
        const form = document.querySelector('form.movers');
        const rows = [...document.querySelectorAll('table.moved tbody tr')];
        const ways = () => [...new Set(rows.filter(row => row.offsetHeight).map(row => row.dataset.way))].sort();
        const click = way => form.querySelector(`[data-way="${way}"]`).click();
        const seen = [ways()];
        for (const way of ['riskier', 'safer', '']) { click(way); seen.push(ways()); }
        const search = form.querySelector('input');
        search.value = rows[3].cells[0].firstChild.textContent; search.dispatchEvent(new Event('input'));
        seen.push([rows.filter(row => row.offsetHeight).length, form.querySelector('output').textContent]);
        return seen;
        """,
    )
    both = ["riskier", "safer"]
    assert told == [both, ["riskier"], ["safer"], both, [1, "1 of 40 customers"]]


@needs_chromium
def test_choosing_a_budget_says_what_it_reaches(compared: Compared, tmp_path: Path) -> None:
    told = in_browser(
        compared,
        tmp_path,
        """
        const form = document.querySelector('form.budget'), chosen = form.querySelector('select');
        chosen.value = '4'; chosen.dispatchEvent(new Event('change'));
        return [form.querySelector('output').textContent, document.querySelectorAll('tr.chosen').length];
        """,
    )
    (pair,) = cast("list[dict[str, dict[str, list[dict[str, int]]]]]", compared.document()["pairs"])
    budget = pair["quality"]["budgets"][4]
    expected = f"With 120 contacts A reaches {budget['leavers_a']} leavers, B {budget['leavers_b']}: "
    assert cast("list[str]", told)[0].startswith(expected)
    assert cast("list[int]", told)[1] == 1


@needs_chromium
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_scrolls_sideways(compared: Compared, tmp_path: Path, width: int) -> None:
    # Headless Chromium has a least window width, so the phone is a frame of that width.
    (tmp_path / "inner.html").write_text(compared.html, encoding="utf-8")
    frame = f'<title></title><iframe src="inner.html" style="border:0;width:{width}px;height:800px"></iframe>'
    probe = (
        "<script>onload = () => { const inner = document.querySelector('iframe').contentDocument.documentElement;"
        "document.title = JSON.stringify([inner.clientWidth, inner.scrollWidth]); }</script>"
    )
    (tmp_path / "page.html").write_text(frame + probe, encoding="utf-8")
    flags = [*FLAGS.split(), "--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}"]
    page = (tmp_path / "page.html").as_uri()
    command = [str(CHROMIUM), *flags, "--window-size=1600,900", "--virtual-time-budget=3000", "--dump-dom", page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(done.stdout.split("<title>")[1].split("</title>")[0]) == [width, width]


@needs_chromium
def test_the_page_prints(compared: Compared, tmp_path: Path) -> None:
    printed = tmp_path / "page.pdf"
    flags = [*FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={printed}"]
    page = (compared.folder / PAGE).as_uri()
    subprocess.run([str(CHROMIUM), *flags, page], capture_output=True, timeout=120, check=True)
    sheets = len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes()))
    assert 2 <= sheets <= 30
