"""The charts of the page, each from the evidence or from a curve file; None where there is nothing to draw."""

from __future__ import annotations

import csv
from pathlib import Path

from markupsafe import Markup

from pipeline.reporting.charts import (
    Bar,
    Chart,
    Point,
    Series,
    bar_chart,
    line_chart,
    share_axis,
)
from pipeline.reporting.evidence import Evidence
from pipeline.reporting.words import candidate

BASELINES = ("recency_rule", "logistic", "bgnbd", "mbgnbd", "xgboost")
NO_LABEL = Markup("")


def figures(evidence: Evidence, plots: Path) -> dict[str, Markup | None]:
    """Every chart of the page by name."""
    chosen = str(evidence.at("metrics", "chosen"))
    return {
        "churn": churn(evidence),
        "ladder": ladder(evidence),
        "order_value": order_value(evidence),
        "value_to_date": value_to_date(evidence),
        "calibration": calibration(read_curves(plots / "calibration.csv", "mean_predicted", "observed"), chosen),
        "gain": gain(read_curves(plots / "gain.csv", "contacted_share", "churners_share"), chosen),
    }


def churn(evidence: Evidence) -> Markup | None:
    """Churn rate at each cutoff."""
    table = _records(evidence, "churn")
    if not table:
        return None
    bars = [
        Bar(str(row["cutoff"])[2:7], _number(row["share"]), evidence.bound("cell", "shop", "churn", at, "share"))
        for at, row in enumerate(table)
    ]
    chart = Chart("churn-chart", "Churn rate at each cutoff", "One column per cutoff, oldest first.")
    highest = max(bar.height for bar in bars)
    return bar_chart(
        chart, bars, share_axis("churned, in %", max(highest, 0.1)), "cutoff (year-month)", 1 + (len(bars) - 1) // 8
    )


def ladder(evidence: Evidence) -> Markup | None:
    """Share going on from order n to order n + 1 within a year."""
    table = _records(evidence, "ladder")
    if not table:
        return None
    bars = [
        Bar(
            f"{row['order']} → {int(str(row['order'])) + 1}",
            _number(row["share"]),
            evidence.bound("share", "shop", "ladder", at, "share"),
        )
        for at, row in enumerate(table)
    ]
    chart = Chart("ladder-chart", "The ladder to the next order", "One column per step from an order to the next.")
    return bar_chart(chart, bars, share_axis("go on within a year"), "from order → to order")


def order_value(evidence: Evidence) -> Markup | None:
    """Distribution of order value."""
    table = _records(evidence, "order_value", "bins")
    if not table:
        return None
    digits = 0 if _number(table[-1]["low"]).is_integer() else 2
    bars = [Bar(f"{_number(row['low']):,.{digits}f}", _number(row["share"]), NO_LABEL) for row in table]
    chart = Chart("order-value-chart", "How large orders are", "One column per range of order value; the last is open.")
    every = max(1, len(bars) // 5)
    y = share_axis("of all orders", max(bar.height for bar in bars))
    return bar_chart(chart, bars, y, "order value, from", every)


def value_to_date(evidence: Evidence) -> Markup | None:
    """Cumulative share of revenue by share of customers, the best first."""
    table = _records(evidence, "value_to_date", "deciles")
    if not table:
        return None
    customers = [_number(row["customers"]) for row in table]
    total = sum(customers)
    points: list[Point] = [(0.0, 0.0)]
    points += [(sum(customers[: at + 1]) / total, _number(row["cumulative"])) for at, row in enumerate(table)]
    chart = Chart("value-chart", "How revenue is spread over customers", "Share of revenue against share of customers.")
    line = Series("This shop", points, ours=True, marks=True)
    x, y = share_axis("customers, the largest first"), share_axis("of revenue")
    return line_chart(chart, [line], x, y, "All customers equal")


def calibration(curves: dict[str, list[Point]], chosen: str) -> Markup | None:
    """Observed against promised churn rate, ours beside the baselines."""
    if not curves:
        return None
    values = [value for points in curves.values() for point in points for value in point]
    low, high = max(min(values) - 0.02, 0.0), min(max(values) + 0.02, 1.0)
    x, y = share_axis("promised probability", high, low), share_axis("observed churn rate", high, low)
    chart = Chart("calibration-chart", "Calibration", "Observed churn rate against promised probability, per model.")
    return line_chart(chart, _series(curves, chosen, marks=True), x, y, "Promise kept exactly")


def gain(curves: dict[str, list[Point]], chosen: str) -> Markup | None:
    """Share of leavers found against share of customers contacted."""
    if not curves:
        return None
    x, y = share_axis("customers contacted, the most at risk first"), share_axis("of leavers found")
    chart = Chart("gain-chart", "Gain", "Share of leavers found against share of customers contacted, per model.")
    return line_chart(chart, _series(curves, chosen), x, y, "By chance")


def read_curves(path: Path, across: str, up: str) -> dict[str, list[Point]]:
    """Points per candidate of a curve file, in file order; empty when there is no file."""
    if not path.exists():
        return {}
    curves: dict[str, list[Point]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            curves.setdefault(row["candidate"], []).append((float(row[across]), float(row[up])))
    return curves


def _series(curves: dict[str, list[Point]], chosen: str, marks: bool = False) -> list[Series]:
    """Ours, then the baselines; where the model in question is itself a baseline it is drawn once, as ours."""
    own = "ours" if "ours" in curves else chosen
    others = [name for name in BASELINES if name in curves and name != own]
    found = [Series(candidate("ours"), curves[own], ours=True, marks=marks)] if own in curves else []
    return found + [Series(candidate(name), curves[name]) for name in others]


def _records(evidence: Evidence, *path: str) -> list[dict[str, object]]:
    found = evidence.at("shop", *path)
    return found if isinstance(found, list) else []


def _number(value: object) -> float:
    return float(str(value)) if value is not None else 0.0
