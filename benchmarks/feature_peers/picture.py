"""Draws `docs/pictures/scale.png`: time and peak memory against events; hollow points are extrapolated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl

from benchmarks.feature_peers.scale import Point

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes


def draw(points: Sequence[Point], beyond: Point, limit_mb: float, picture: Path) -> None:
    """Write the picture; both axes of both panels are logarithmic, so a straight line at 45° is cost in proportion."""
    figure, (time, memory) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    everything = [*points, beyond]
    events = [point.events for point in everything]
    _curve(time, events, [point.seconds for point in everything], _duration)
    time.set(title="From clean tables to features", ylabel="seconds")
    _curve(memory, events, [point.peak_mb / 1024 for point in everything], "{:.2g} GB".format)
    memory.axhline(limit_mb / 1024, color="grey", linestyle=":")
    memory.annotate(
        f"limit {limit_mb / 1024:g} GB",
        (events[0], limit_mb / 1024),
        xytext=(0, 3),
        textcoords="offset points",
        color="grey",
    )
    memory.set(title="Peak memory", ylabel="GB")
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _curve(axes: Axes, events: Sequence[int], costs: Sequence[float], told: Callable[[float], str]) -> None:
    axes.plot(events[:-1], costs[:-1], "o-", color="tab:blue", label="measured")
    axes.plot(events[-2:], costs[-2:], "--", color="tab:blue", zorder=1)
    axes.plot(events[-1], costs[-1], "o", color="tab:blue", markerfacecolor="white", label="extrapolated")
    for x, y in zip(events, costs, strict=True):
        axes.annotate(told(y), (x, y), xytext=(-5, 6), textcoords="offset points", ha="right")
    axes.set(xscale="log", yscale="log", xlabel="events")
    axes.set_xticks(events, [_number(count) for count in events])
    axes.minorticks_off()
    axes.margins(0.22, 0.2)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")


def _number(events: int) -> str:
    return f"{events / 1e9:g} billion" if events >= 1e9 else f"{events / 1e6:g} M"


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.0f} min"
