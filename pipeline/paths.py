"""Where every DVC output lives, relative to the working directory; stated once."""

from __future__ import annotations

import os
from pathlib import Path

RAW = Path("data/raw")
CLEAN = Path("data/clean")
QUARANTINE = Path("data/quarantine")
TRUTH = Path("data/truth")
HISTORY = Path("data/features/history.parquet")
CURRENT = Path("data/features/current.parquet")
CATALOGUE = Path("data/features/catalogue.json")
MODEL = Path("data/model")
CHAMPION = Path("data/champion")
PREDICTIONS = Path("data/predictions.parquet")
SCORES = Path("data/scores.parquet")
PLAN = Path("data/plan.parquet")
SERVING_STORE = Path("data/serving.db")
QUALITY = Path("reports/quality.json")
BACKTEST = Path("reports/backtest.json")
TUNING = Path("reports/tuning.json")
METRICS = Path("reports/metrics.json")
COLUMNS = Path("reports/catalogue.json")
PLOTS = Path("reports/plots")
MODEL_CARD = Path("reports/model_card.md")
SCORECARD = Path("reports/scorecard.json")
MLFLOW_RUN = Path("reports/mlflow_run.json")
GATE = Path("reports/gate.json")
IN_FORCE = Path("reports/in_force.json")
WATCH = Path("reports/watch.json")
PLAN_COUNTS = Path("reports/plan.json")
EFFECT = Path("reports/effect.json")
SHOP = Path("reports/shop.json")
REPORT = Path("reports/report.html")
CATALOGUE_PAGE = Path("reports/catalogue.html")


def project_root() -> Path:
    """The real repository, also from inside a queued experiment's temporary copy."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()
