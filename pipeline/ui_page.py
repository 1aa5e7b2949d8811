"""The front page: what the last run made, read from its files at every request; plain HTML without a script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import yaml
from jinja2 import Environment

from features.errors import RekindleError
from pipeline import paths
from pipeline.params import load_params
from pipeline.summary import NAMES

Tree = Mapping[str, object]

RUNS_COMPARED = Path("reports/compare.html")  # made by `make compare`, outside DVC
TEMPLATE = Path(__file__).with_name("ui_page.html.j2")


def front_page(compare: str) -> str:
    """The page; `compare` is the address of the view that compares runs."""
    champion = _json(paths.CHAMPION / "model.json")
    return (
        Environment(autoescape=True)
        .from_string(TEMPLATE.read_text(encoding="utf-8"))
        .render(
            compare=compare,
            endpoint=_endpoint(),
            has_report=paths.REPORT.exists(),
            has_catalogue=paths.CATALOGUE_PAGE.exists(),
            has_compared=RUNS_COMPARED.exists(),
            champion=champion,
            in_registry=_json(paths.IN_FORCE).get("in_registry", True),
            gate=_json(paths.GATE),
            metrics=list(_metric_rows(_json(paths.METRICS))),
            stages=list(_stages(Path("dvc.yaml"))),
        )
    )


def _endpoint() -> str:
    try:
        return f"http://127.0.0.1:{load_params().serve.port}"
    except RekindleError:  # the page must also open while params.yaml is being edited
        return "http://127.0.0.1:3000"


def _metric_rows(report: Tree) -> Iterable[dict[str, str]]:
    measured = cast("Mapping[str, Mapping[str, Mapping[str, object] | None]]", report.get("metrics", {}))
    rate = cast("Tree | None", report.get("churn_rate"))
    if rate:
        yield {"name": "churn rate", **_ours(rate), "baseline": ""}
    for metric, title in NAMES.items():
        sides = measured.get(metric)
        if sides:
            baseline = sides["best_baseline"]
            beside = f"{_number(baseline['value'])} ({baseline['name']})" if baseline else "none"
            yield {"name": title, **_ours(sides["ours"] or {}), "baseline": beside}


def _ours(interval: Tree) -> dict[str, str]:
    value, low, high = (_number(interval.get(key)) for key in ("value", "low", "high"))
    return {"ours": value, "interval": f"{low} to {high}"}


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "unknown"


def _stages(file: Path) -> Iterable[dict[str, str | None]]:
    stages = yaml.safe_load(file.read_text(encoding="utf-8"))["stages"] if file.exists() else {}
    for name, stage in stages.items():
        entries = [*stage.get("outs", []), *stage.get("metrics", [])]
        outs = [Path(next(iter(entry)) if isinstance(entry, dict) else entry) for entry in entries]
        whole = all(out.exists() for out in outs)
        latest = max((out.stat().st_mtime for out in outs), default=0.0) if whole else 0.0
        yield {"name": name, "made": f"{datetime.fromtimestamp(latest, UTC):%Y-%m-%d %H:%M}" if whole else None}


def _json(path: Path) -> dict[str, object]:
    try:
        value: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not made yet, or just being made
        return {}
    return value
