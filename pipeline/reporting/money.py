"""The drawing of the page's part about value, timing and profit: what contacting pays, by share contacted."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from pipeline.reporting.charts import Chart, Series, line_chart, share_axis, value_axis
from pipeline.reporting.evidence import Evidence
from pipeline.reporting.figures import BASELINES, read_curves
from pipeline.reporting.words import candidate

BY_RISK = "Our model, most at risk first"


def money_figures(evidence: Evidence, plots: Path) -> dict[str, Markup | None]:
    """The charts of this part by name; None where there is nothing to draw."""
    return {"profit": profit(plots / "profit.csv", str(evidence.at("metrics", "chosen")))}


def profit(file: Path, chosen: str) -> Markup | None:
    """Profit by contacted share: ours by expected profit, ours by risk alone, and the plain methods."""
    curves, by_risk = (read_curves(file, "contacted_share", column) for column in ("profit", "by_risk"))
    if chosen not in curves:
        return None
    others = [name for name in BASELINES if name in curves and name != chosen]
    lines = [Series(candidate("ours"), curves[chosen], ours=True), Series(BY_RISK, by_risk[chosen])]
    lines += [Series(candidate(name), curves[name]) for name in others]
    chart = Chart("profit-chart", "Profit of contacting", "Profit against share of customers contacted, per model.")
    x = share_axis("customers contacted, the highest expected profit first")
    return line_chart(chart, lines, x, value_axis("profit", [y for line in lines for _, y in line.points]))
