"""Stage `report`: every JSON of the run and the shop's facts in, one self-contained HTML page out.

The facts that no other stage states go to `reports/shop.json`, so that the page shows no number that is not in a file.
"""

from __future__ import annotations

from pathlib import Path

from pipeline import paths
from pipeline.files import read_json, write_json, write_text
from pipeline.params import Params
from pipeline.reporting.catalogue_page import catalogue_page
from pipeline.reporting.facts import Settings, shop_facts
from pipeline.reporting.page import page
from pipeline.stage import progress, run_stage

REQUIRED = (paths.CATALOGUE, paths.QUALITY, paths.BACKTEST, paths.METRICS, paths.PLAN_COUNTS)
OPTIONAL = (paths.GATE, paths.WATCH, paths.EFFECT, paths.TUNING)


def report(params: Params) -> str:
    """Write `reports/shop.json`, `reports/report.html` and `reports/catalogue.html`."""
    documents = read_documents()
    card = paths.MODEL_CARD.read_text(encoding="utf-8") if paths.MODEL_CARD.exists() else None
    progress(f"{len(documents)} files of numbers, model card {'found' if card else 'not there'}")

    facts = shop_facts(str(read_json(paths.CATALOGUE)["as_of"]), settings(params))
    html, columns = page(documents | {"shop": facts}, paths.PLOTS, card), catalogue_page(read_json(paths.COLUMNS))
    progress(f"{facts['orders']:,} orders of {facts['customers']:,} customers in the shop facts")

    write_json(paths.SHOP, facts)
    write_text(paths.REPORT, html)
    write_text(paths.CATALOGUE_PAGE, columns)
    size = f"{len(html.encode()) / 1024:,.0f} KiB"
    return f"{paths.REPORT} ({size}), its own facts in {paths.SHOP}; columns in {paths.CATALOGUE_PAGE}"


def read_documents() -> dict[str, object]:
    """The JSON files by name; those of a stage that may not have run are left out when they are missing."""
    present: tuple[Path, ...] = tuple(path for path in OPTIONAL if path.exists())
    return {path.stem: read_json(path) for path in (*REQUIRED, *present)}


def settings(params: Params) -> Settings:
    """The params that the page names."""
    return Settings(
        interval_share=params.evaluate.interval_share,
        margin_share=params.score.margin_share,
        top_share=params.evaluate.top_share,
        control_share=params.plan.control_share,
        reasons=params.score.reasons,
    )


if __name__ == "__main__":
    run_stage("report", report)
