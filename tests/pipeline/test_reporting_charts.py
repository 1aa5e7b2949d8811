"""Charts: coordinates of hand-computed points, ticks, legends, words for screen readers."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from pipeline.reporting.charts import Axis, Bar, Chart, Series, bar_chart, line_chart, round_step, share_axis
from tests.pipeline.reporting_html import read_page

CHART = Chart("gain-chart", "Gain <b>", "How it runs.")
UNIT = Axis("share", 0.0, 1.0, [(0.0, "0 %"), (1.0, "100 %")])


def test_a_line_goes_from_the_lower_left_to_the_upper_right_corner_of_the_plot() -> None:
    drawing = line_chart(CHART, [Series("ours", [(0.0, 0.0), (0.5, 1.0), (1.0, 1.0)], ours=True)], UNIT, UNIT)
    assert '<path class="ours" d="M68 250 L262 18 L456 18"/>' in drawing


def test_a_bar_stands_on_the_axis_and_carries_its_label() -> None:
    drawing = bar_chart(CHART, [Bar("1 → 2", 0.5, Markup("<tspan>50</tspan>"))], UNIT, "step")
    assert '<rect class="bar" x="110.7" y="134" width="302.6" height="116" rx="1.5"/>' in drawing
    assert "<tspan>50</tspan></text>" in drawing


def test_a_drawing_has_title_and_description_and_escapes_them() -> None:
    page = read_page(line_chart(CHART, [], UNIT, UNIT))
    assert page.elements[0].attributes["aria-labelledby"] == "gain-chart-title gain-chart-text"
    assert [text.text for text in page.texts][:2] == ["Gain <b>", "How it runs."]
    assert (page.faults, page.unclosed) == ([], [])


def test_the_legend_names_ours_first_and_one_line_alone_needs_none() -> None:
    lines = [Series("rule", [(0, 0)]), Series("ours", [(0, 0)], ours=True)]
    assert line_chart(CHART, lines, UNIT, UNIT).index("ours</li>") < line_chart(CHART, lines, UNIT, UNIT).index(
        "rule</li>"
    )
    assert "legend" not in line_chart(CHART, lines[1:], UNIT, UNIT)


def test_baselines_are_told_apart_by_their_dashes() -> None:
    lines = [Series(name, [(0.0, 0.0), (1.0, 1.0)]) for name in "abcd"]
    dashes = [
        e.attributes["stroke-dasharray"]
        for e in read_page(line_chart(CHART, lines, UNIT, UNIT)).elements
        if e.attributes.get("class") == "other"
    ]
    assert len(set(dashes[:4])) == 4
    assert dashes[:4] == dashes[4:]


def test_captions_are_thinned_out() -> None:
    bars = [Bar(f"c{place}", 0.1, Markup("")) for place in range(6)]
    texts = [text.text for text in read_page(bar_chart(CHART, bars, UNIT, "x", every=3)).texts]
    assert [text for text in texts if text.startswith("c")] == ["c0", "c3"]


@pytest.mark.parametrize(("count", "labelled"), [(14, 14), (15, 3)])
def test_labels_that_would_run_into_each_other_are_thinned_out_too(count: int, labelled: int) -> None:
    bars = [Bar("c", 0.1, Markup("label")) for _ in range(count)]
    texts = [text.text for text in read_page(bar_chart(CHART, bars, UNIT, "x", every=6)).texts]
    assert texts.count("label") == labelled


@pytest.mark.parametrize(
    ("high", "low", "ticks"),
    [
        (1.0, 0.0, ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]),
        (0.22, 0.0, ["0 %", "5 %", "10 %", "15 %", "20 %", "25 %"]),
        (0.95, 0.62, ["60 %", "70 %", "80 %", "90 %", "100 %"]),
    ],
)
def test_share_axes_end_at_round_shares(high: float, low: float, ticks: list[str]) -> None:
    axis = share_axis("x", high, low)
    assert [text for _, text in axis.ticks] == ticks
    assert axis.low <= low
    assert axis.high >= high


def test_steps_are_one_two_or_five_times_a_power_of_ten() -> None:
    assert [round_step(value) for value in (0.03, 0.2, 0.21, 7, 1.0)] == pytest.approx([0.05, 0.2, 0.5, 10, 1])
