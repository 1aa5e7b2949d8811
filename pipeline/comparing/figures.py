"""The overlaid curves of two runs as charts, the second run drawn thick; None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from markupsafe import Markup

from pipeline.comparing.sides import Side
from pipeline.reporting.charts import Axis, Chart, Series, line_chart, share_axis, value_axis

DAY_S = 86_400
BandPoints = Sequence[Sequence[float]]  # (x, y, low, high)


def figures(number: int, first: Side, second: Side, quality: Mapping[str, object] | None) -> dict[str, Markup | None]:
    """Every chart of one pair of runs; names are unique by the pair's number."""
    curves = cast("Mapping[str, BandPoints]", quality["curves"]) if quality else {}
    earned = quality["profit"] if quality else None
    names = (f"{first.letter}: {first.name}", f"{second.letter}: {second.name}")
    return {
        "calibration": _calibration(number, names, curves),
        "gain": _gain(number, names, curves),
        "profit": _profit(number, names, cast("Mapping[str, Mapping[str, BandPoints]] | None", earned)),
        "backtest": _backtest(number, names, (_backtested(first), _backtested(second))),
    }


def _backtested(side: Side) -> Mapping[int, float]:
    return side.steps.get("backtest_log_loss", {})


def _calibration(number: int, names: tuple[str, str], curves: Mapping[str, BandPoints]) -> Markup | None:
    if not curves:
        return None
    lines = _banded(names, curves, "calibration", marks=True)
    values = [value for line in lines for point in line.points for value in point]
    values += [edge for line in lines for _, low, high in line.band for edge in (low, high)]
    low, high = max(min(values) - 0.02, 0.0), min(max(values) + 0.02, 1.0)
    x, y = share_axis("promised probability", high, low), share_axis("observed churn rate", high, low)
    chart = Chart(f"calibration-{number}", "Calibration of both runs", "Observed churn rate against promise, per run.")
    return line_chart(chart, lines, x, y, "Promise kept exactly")


def _gain(number: int, names: tuple[str, str], curves: Mapping[str, BandPoints]) -> Markup | None:
    if not curves:
        return None
    chart = Chart(f"gain-{number}", "Gain of both runs", "Share of leavers found against share contacted, per run.")
    x, y = share_axis("customers contacted, the most at risk first"), share_axis("of leavers found")
    return line_chart(chart, _banded(names, curves, "gain"), x, y, "By chance")


def _banded(names: tuple[str, str], curves: Mapping[str, BandPoints], kind: str, marks: bool = False) -> list[Series]:
    return [
        Series(
            name,
            [(point[0], point[1]) for point in curves[f"{kind}_{key}"]],
            ours=key == "b",
            marks=marks,
            band=[(point[0], point[2], point[3]) for point in curves[f"{kind}_{key}"]],
        )
        for name, key in zip(names, ("a", "b"), strict=True)
    ]


def _profit(
    number: int, names: tuple[str, str], earned: Mapping[str, Mapping[str, BandPoints]] | None
) -> Markup | None:
    if earned is None:
        return None
    lines = _banded(names, {f"profit_{key}": earned["curves"][key] for key in ("a", "b")}, "profit")
    edges = [edge for line in lines for _, low, high in line.band for edge in (low, high)]
    chart = Chart(f"profit-{number}", "Profit of both runs", "Profit against share of customers contacted, per run.")
    x = share_axis("customers contacted, the highest expected profit first")
    return line_chart(chart, lines, x, value_axis("profit", edges))


def _backtest(
    number: int, names: tuple[str, str], steps: tuple[Mapping[int, float], Mapping[int, float]]
) -> Markup | None:
    days = sorted({*steps[0], *steps[1]})
    if not all(steps) or len(days) < 2:
        return None
    some = days if len(days) <= 4 else [days[0], days[len(days) // 2], days[-1]]
    ticks = [(float(day), f"{datetime.fromtimestamp(day * DAY_S, UTC):%Y-%m-%d}") for day in some]
    spare = (days[-1] - days[0]) * 0.08
    x = Axis("cutoff of the backtest", days[0] - spare, days[-1] + spare, ticks)
    y = value_axis("log loss", [value for each in steps for value in each.values()])
    chart = Chart(f"backtest-{number}", "Backtest of both runs", "Log loss at each earlier cutoff, per run.")
    return line_chart(chart, _stepped(names, steps), x, y)


def _stepped(names: tuple[str, str], steps: tuple[Mapping[int, float], Mapping[int, float]]) -> list[Series]:
    return [
        Series(name, [(float(step), each[step]) for step in sorted(each)], ours=place == 1, marks=True)
        for place, (name, each) in enumerate(zip(names, steps, strict=True))
    ]
