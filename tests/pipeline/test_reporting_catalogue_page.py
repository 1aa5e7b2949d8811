"""The catalogue page: every column with its numbers from the file, and search and sorting in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import cast

import pytest

from pipeline.reporting.catalogue_page import catalogue_page
from tests.pipeline.reporting_html import REASONS, read_page
from tests.pipeline.reporting_inputs import COLUMNS
from tests.pipeline.test_reporting_page import CHROMIUM, FLAGS

OUTSIDE = re.compile(r"""(?:src|srcset|action|poster)\s*=|url\(|@import|https?://|//cdn|<link|<iframe""")
NAMES = ["days_since_last_order", "spend_decayed_14d", "orders_90d", "visits_from_work"]  # by importance


def at(pointer: str) -> object:
    value: object = COLUMNS
    for step in pointer.split("/"):
        value = value[int(step)] if isinstance(value, list) else cast("dict[str, object]", value)[step]
    return value


def test_every_number_is_that_of_the_file_and_none_stands_loose() -> None:
    page = read_page(catalogue_page(COLUMNS))
    bound = [element for element in page.elements if "data-key" in element.attributes]
    for element in bound:
        file, _, pointer = str(element.attributes["data-key"]).partition("#/")
        assert file == "catalogue.json"
        assert json.loads(str(element.attributes["data-value"])) == at(pointer)
    assert len(bound) > 45
    for text in page.texts:
        is_code = text.around[-1].tag in ("style", "script")
        if re.search(r"\d", text.text) and not is_code and text.inside("data-key") is None:
            assert text.inside("data-plain") in REASONS, text.text


def test_every_column_stands_with_all_that_the_catalogue_says_of_it() -> None:
    page = read_page(catalogue_page(COLUMNS))
    words = [text.text for text in page.texts]
    for column in cast("list[dict[str, object]]", COLUMNS["columns"]):
        assert column["doc"] in words
        assert column["family"] in words
        assert column["unit"] in words
    assert {"missing", "0.5", "half-life", "all the past", "not used", "-0.0004", "12.5\u202f%"} <= set(words)
    assert "needs refund, which the data does not have" in words


def test_the_page_is_valid_and_asks_nobody_else_for_anything() -> None:
    html = catalogue_page(COLUMNS)
    page = read_page(html)
    assert (page.faults, page.unclosed) == ([], [])
    assert OUTSIDE.findall(html) == []
    assert "1 &lt; 2" in html
    assert catalogue_page(COLUMNS) == html


def test_a_catalogue_with_nothing_left_out_has_no_such_part() -> None:
    whole = {**COLUMNS, "left_out": {}, "without_data": {}}
    assert "Left out" not in catalogue_page(whole)


def asked_of_a_browser(folder: Path, script: str, width: int = 1280) -> object:
    """What a script says on the page, in Chromium."""
    html = catalogue_page(COLUMNS).replace(
        "</body>", f"<script>document.title=JSON.stringify({script})</script></body>"
    )
    (folder / "page.html").write_text(html, encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS.split(), f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900"]
    page = (folder / "page.html").as_uri()
    done = subprocess.run([*command, "--dump-dom", page], capture_output=True, text=True, timeout=120, check=True)
    title = done.stdout.split("<title>")[1].split("</title>")[0]
    return json.loads(title.replace("&quot;", '"').replace("&amp;", "&"))


SHOWN = "[...body.rows].filter(r => !r.hidden).map(r => r.cells[0].dataset.sort)"
needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="needs chromium: it is a script that sorts"
)


@needs_chromium
def test_a_click_on_a_header_sorts_and_a_second_one_turns_it_round(tmp_path: Path) -> None:
    shares = f"heads[5].querySelector('button').click(), {SHOWN}"
    told = asked_of_a_browser(
        tmp_path, f"[{SHOWN}, ({shares}), ({shares}), heads.map(h => h.ariaSort).join(), (sortBy(4, false), {SHOWN})]"
    )
    first, falling, rising, sorted_by, by_empty = cast("list[list[str]]", told)
    assert first == NAMES
    assert falling[:2] == ["visits_from_work", "days_since_last_order"]
    assert rising[2:] == ["days_since_last_order", "visits_from_work"]
    assert cast("object", sorted_by) == "none,none,none,none,none,ascending,none"
    assert by_empty[-1] == "days_since_last_order"  # without a value, so last


@needs_chromium
def test_typing_finds_columns_by_name_meaning_unit_and_family(tmp_path: Path) -> None:
    look = f"(word => (search.value = word, search.dispatchEvent(new Event('input')), [{SHOWN}, said.textContent]))"
    words = ("ORDER meaning", "mine", "money", "nothing like it", "")
    told = asked_of_a_browser(tmp_path, f"{json.dumps(words)}.map({look})")
    assert told == [
        [["days_since_last_order", "orders_90d"], "2 of 4 columns"],
        [["visits_from_work"], "1 of 4 columns"],
        [["spend_decayed_14d"], "1 of 4 columns"],
        [[], "0 of 4 columns"],
        [NAMES, "4 of 4 columns"],
    ]


@needs_chromium
@pytest.mark.parametrize(("width", "heads_shown"), [(390, False), (1280, True)])
def test_a_phone_gets_cards_and_nothing_scrolls_sideways(tmp_path: Path, width: int, heads_shown: bool) -> None:
    script = (
        "[document.documentElement.scrollWidth <= innerWidth, heads[0].getBoundingClientRect().left >= 0, "
        "getComputedStyle(body.rows[0]).display === 'table-row', "
        "getComputedStyle(sorter.parentNode).display === 'none']"
    )
    assert asked_of_a_browser(tmp_path, script, width) == [True, heads_shown, heads_shown, heads_shown]
