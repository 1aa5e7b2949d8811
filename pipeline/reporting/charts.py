"""Line and bar charts as inline SVG, drawn in a box of 480 by 300 that scales with the page.

Every chart has a title and a description for screen readers; text that is only an axis says so (`data-plain`), and
labels that are numbers from a file come in already bound to their source (see evidence.py). Series are told apart by
weight and dash, not by hue alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 480.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 68.0, 24.0, 18.0, 50.0

Point = tuple[float, float]
DASHES = ("7 4", "2 3", "10 3 2 3", "4 4", "1 2", "12 4")
MOST_LABELS = 14  # more labels than this run into each other


@dataclass(frozen=True)
class Axis:
    """One axis: its caption, its range and the ticks written on it."""

    caption: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Series:
    """A line; the `ours` line is drawn last, thick, in the accent colour. A band is (x, low, high), left to right."""

    name: str
    points: Sequence[Point]
    ours: bool = False
    marks: bool = False
    band: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True)
class Bar:
    """A column with the caption below it and a label, bound to its source, above it."""

    caption: str
    height: float
    label: Markup


@dataclass(frozen=True)
class Chart:
    """Name (unique on the page), title and description of a figure."""

    name: str
    title: str
    description: str


def share_axis(caption: str, high: float = 1.0, low: float = 0.0) -> Axis:
    """An axis of percentages from `low` up to a round share at or above `high`."""
    step = round_step((high - low) / 5)
    top = math.ceil(round(high / step, 6)) * step
    start = math.floor(round(low / step, 6)) * step
    marks = [start + place * step for place in range(round((top - start) / step) + 1)]
    digits = 0 if step >= 0.01 else 1
    return Axis(caption, start, top, [(mark, f"{100 * mark:.{digits}f} %") for mark in marks])


def value_axis(caption: str, values: Sequence[float]) -> Axis:
    """An axis of plain numbers around the values, its ticks at round steps."""
    low, high = min(values), max(values)
    step = round_step(max(high - low, abs(high) * 0.05, 1e-6) / 4)
    start, top = math.floor(low / step) * step, (math.floor(high / step) + 1) * step
    digits = max(0, -math.floor(math.log10(step)))
    marks = [start + place * step for place in range(round((top - start) / step) + 1)]
    return Axis(caption, start, top, [(mark, f"{mark:,.{digits}f}") for mark in marks])


def round_step(wanted: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(wanted, 1e-9)))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= wanted * (1 - 1e-9))


def line_chart(chart: Chart, series: Sequence[Series], x: Axis, y: Axis, diagonal: str = "") -> Markup:
    """Lines over two axes; `diagonal` names a reference from corner to corner."""
    parts = [_grid(y), _ticks(x), _captions(x, y)]
    if diagonal:
        ends = ((x.low, y.low), (x.high, y.high))
        parts.append(_path(ends, x, y, 'class="reference"'))
    parts += [_band(line, x, y) for line in series if line.band]
    others = [line for line in series if not line.ours]
    for place, line in enumerate(others):
        parts.append(_path(line.points, x, y, f'class="other" stroke-dasharray="{DASHES[place % len(DASHES)]}"'))
    for line in series:
        if line.ours:
            parts.append(_path(line.points, x, y, 'class="ours"'))
        if line.marks:
            parts.append(_marks(line, x, y))
    return _svg(chart, parts) + _legend(series, others, diagonal)


def bar_chart(chart: Chart, bars: Sequence[Bar], y: Axis, caption: str, every: int = 1) -> Markup:
    """Columns side by side; every `every`-th has its caption written, and where they stand close only those a label."""
    slot = (WIDTH - LEFT - RIGHT) / max(len(bars), 1)
    x = Axis(caption, 0.0, float(max(len(bars), 1)), [])
    parts = [_grid(y), _captions(x, y)]
    for place, bar in enumerate(bars):
        centre = LEFT + slot * (place + 0.5)
        top = _y(min(bar.height, y.high), y)
        parts.append(_column((centre - slot * 0.39, top), slot * 0.78))
        is_captioned = place % every == 0
        if is_captioned or len(bars) <= MOST_LABELS:
            label = Markup('<text x="{}" y="{}" class="label">{}</text>')
            parts.append(label.format(_at(centre), _at(top - 5), bar.label))
        if is_captioned:
            parts.append(_tick_text(centre, bar.caption))
    return _svg(chart, parts)


def _column(corner: Point, width: float) -> Markup:
    return Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="1.5"/>').format(
        _at(corner[0]), _at(corner[1]), _at(width), _at(max(HEIGHT - BOTTOM - corner[1], 0.0))
    )


def _svg(chart: Chart, parts: Sequence[Markup]) -> Markup:
    head = Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-text">'
        '<title id="{}-title">{}</title><desc id="{}-text">{}</desc>'
    ).format(int(WIDTH), int(HEIGHT), chart.name, chart.name, chart.name, chart.title, chart.name, chart.description)
    return head + Markup("").join(parts) + Markup("</svg>")


def _grid(y: Axis) -> Markup:
    lines = Markup("").join(
        Markup('<line x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            _at(LEFT), _at(WIDTH - RIGHT), _at(_y(v, y)), _at(_y(v, y))
        )
        for v, _ in y.ticks
    )
    texts = Markup("").join(
        Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(_at(LEFT - 7), _at(_y(v, y) + 4), text)
        for v, text in y.ticks
    )
    return Markup('<g class="grid">{}</g><g class="axis" data-plain="axis">{}</g>').format(lines, texts)


def _ticks(x: Axis) -> Markup:
    return Markup("").join(_tick_text(_x(value, x), text) for value, text in x.ticks)


def _tick_text(left: float, text: str) -> Markup:
    return Markup('<text x="{}" y="{}" class="axis middle" data-plain="axis">{}</text>').format(
        _at(left), _at(HEIGHT - BOTTOM + 18), text
    )


def _captions(x: Axis, y: Axis) -> Markup:
    across = Markup('<text x="{}" y="{}" class="caption middle" data-plain="axis">{}</text>').format(
        _at((LEFT + WIDTH - RIGHT) / 2), _at(HEIGHT - 8), x.caption
    )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    up = Markup('<text transform="translate(13 {}) rotate(-90)" class="caption middle" data-plain="axis">{}</text>')
    return across + up.format(_at(middle), y.caption)


def _path(points: Sequence[Point], x: Axis, y: Axis, attributes: str) -> Markup:
    steps = " L".join(f"{_at(_x(left, x))} {_at(_y(height, y))}" for left, height in points)
    return Markup(f'<path {attributes} d="M{steps}"/>') if points else Markup("")  # noqa: S704 - numbers only


def _band(line: Series, x: Axis, y: Axis) -> Markup:
    above = [(left, min(high, y.high)) for left, _, high in line.band]
    below = [(left, max(low, y.low)) for left, low, _ in reversed(line.band)]
    return _path([*above, *below], x, y, f'class="band{" ours" if line.ours else ""}"')


def _marks(line: Series, x: Axis, y: Axis) -> Markup:
    style = "mark ours" if line.ours else "mark"
    return Markup("").join(
        Markup('<circle class="{}" cx="{}" cy="{}" r="3.4"/>').format(style, _at(_x(left, x)), _at(_y(height, y)))
        for left, height in line.points
    )


def _legend(series: Sequence[Series], others: Sequence[Series], diagonal: str) -> Markup:
    """Which line is which; one line alone needs none."""
    named = [(line.name, "ours", "") for line in series if line.ours]
    named += [(line.name, "other", DASHES[place % len(DASHES)]) for place, line in enumerate(others)]
    named += [(diagonal, "reference", "")] if diagonal else []
    if len(named) < 2:
        return Markup("")
    entries = [
        Markup(
            '<li><svg viewBox="0 0 28 8" aria-hidden="true"><path class="{}" stroke-dasharray="{}" d="M0 4 L28 4"/>'
            "</svg>{}</li>"
        ).format(style, dash or "none", name)
        for name, style, dash in named
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(entries))


def _x(value: float, axis: Axis) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (value - axis.low) / (axis.high - axis.low)


def _y(value: float, axis: Axis) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - axis.low) / (axis.high - axis.low)


def _at(value: float) -> str:
    """A coordinate to a tenth of a unit, without a trailing zero."""
    return f"{value:.1f}".removesuffix(".0")
