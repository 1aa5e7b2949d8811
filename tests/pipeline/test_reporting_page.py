"""Assembling the page: colours of the heat map, plain words, and the look in a real browser."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline import paths
from pipeline.params import load_params
from pipeline.report import report
from pipeline.reporting import words
from pipeline.reporting.page import breakable, heat
from serving.budgets import BUDGET
from serving.gates import GATES
from tests.pipeline.reporting_inputs import write_run

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)
PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


def test_a_heat_map_cell_darkens_with_the_share_and_turns_its_ink_white() -> None:
    assert heat(0.0, 0.2) == "background:rgb(11 98 150/0.00)"
    assert heat(0.1, 0.2) == "background:rgb(11 98 150/0.50)"
    assert heat(0.5, 0.2) == "background:rgb(11 98 150/1.00);color:#fff"
    assert heat(0.0, 0.0) == "background:rgb(11 98 150/0.00)"


def contrast(strength: float, ink: tuple[int, int, int]) -> float:
    """WCAG 2 contrast of an ink on the heat map's colour over white."""

    def luminance(colour: tuple[float, ...]) -> float:
        linear = [c / 3294.6 if c <= 10.31 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    paper = tuple(255 + strength * (c - 255) for c in (11, 98, 150))
    dark, light = sorted((luminance(ink), luminance(paper)))
    return (light + 0.05) / (dark + 0.05)


def test_every_heat_map_cell_can_be_read() -> None:
    for step in range(101):
        white = "color:#fff" in heat(step / 100, 1.0)
        assert contrast(step / 100, (255, 255, 255) if white else (23, 32, 43)) > 3.9, step


def test_a_column_name_breaks_after_its_underscores_and_stays_text() -> None:
    assert breakable("orders_90d") == "orders_<wbr>90d"
    assert breakable("<b>_x") == "&lt;b&gt;_<wbr>x"


def test_every_gate_of_the_policy_has_plain_words() -> None:
    assert set(words.GATES) == {*GATES, BUDGET}
    assert list(words.GATES)[:-1] == list(GATES)


def test_every_candidate_of_the_params_has_a_name() -> None:
    assert set(PARAMS.train.candidates) <= set(words.CANDIDATES)


def test_unknown_names_are_opened_and_come_last() -> None:
    assert words.candidate("my_new_model") == "My new model"
    assert words.in_order(["z", "blend", "logistic"], words.CANDIDATES) == ["logistic", "blend", "z"]
    assert words.trail(["orders", "no_time", 3]) == "Orders · No time"


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium; without it the page is only parsed, not laid out")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_lays_the_page_out_without_sideways_scrolling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path)
    report(PARAMS)
    probe = (
        "<script>document.title=document.documentElement.scrollWidth+' '+innerWidth+' '+document.images.length</script>"
    )
    probed = tmp_path / "probed.html"
    probed.write_text(paths.REPORT.read_text(encoding="utf-8").replace("</body>", probe + "</body>"), encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900"]
    done = subprocess.run(
        [*command, "--dump-dom", probed.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    title = done.stdout.split("<title>")[1].split("</title>")[0]
    wide, window, images = (int(part) for part in title.split())
    assert (wide <= window, images) == (True, 0)
