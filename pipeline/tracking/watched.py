"""The watch in MLflow: a model's run tells how it does after the day it was trained, by day, beside its backtest.

`watch_expected_*` at the day of the scores is what to expect without labels; `watch_*` at the day of a cutoff is what
was measured once its horizon was over. Steps are days since 1970, as in the curves `backtest_*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pandas as pd

from models.scorer import Scorer
from pipeline.tracking import registry, runs
from pipeline.tracking.record import Steps
from pipeline.tracking.store import Store, tracking_errors
from pipeline.watching.outcomes import unseen_cutoffs

EARLIER = 3  # versions that were in force or registered before, whose promises are still followed
Tree = Mapping[str, object]


def log_watch(store: Store, run_id: str, seen: Tree) -> int:
    """Log what `pipeline.watching.watch.watched` says; returns how many points were new."""
    return _log_new(store, run_id, _of_today(seen) | measured(cast("Tree", seen["outcomes"])["cutoffs"]))


def log_earlier(store: Store, name: str, current: str, history: Path, columns: list[str]) -> int:
    """The same of models that were in force before, at horizons that closed since; returns how many points were new."""
    earlier = [version for version in registry.versions(store, name) if version.model_version != current]
    new = 0
    for version in sorted(earlier, key=lambda one: -int(one.number))[:EARLIER]:
        with TemporaryDirectory() as scratch:
            scorer = Scorer.load(registry.download(store, name, version, Path(scratch)))
        if set(scorer.feature_columns) <= set(columns):
            new += _log_new(store, version.run_id, measured(unseen_cutoffs(scorer, history)))
    return new


def measured(cutoffs: object) -> Steps:
    """What was measured at closed cutoffs, as curves."""
    found: Steps = {}
    for each in cast("list[Tree]", cutoffs):
        for name, told in cast("Mapping[str, Mapping[str, float | None]]", each["metrics"]).items():
            if told["measured"] is not None:
                found.setdefault(f"watch_{name}", {})[_day(str(each["cutoff"]))] = told["measured"]
    return found


def _of_today(seen: Tree) -> Steps:
    if seen["as_of"] is None:
        return {}
    day = _day(str(seen["as_of"]))
    expected = cast("Mapping[str, Mapping[str, float | None]]", seen["expected"])
    found = {f"watch_expected_{name}": told["expected"] for name, told in expected.items()}
    found |= {f"watch_{part}_psi": cast("dict[str, float]", seen[part])["psi"] for part in ("features", "scores")}
    return {name: {day: value} for name, value in found.items() if value is not None}


def _log_new(store: Store, run_id: str, curves: Steps) -> int:
    """Points the run does not hold yet, so that a run asked twice tells nothing twice."""
    new: Steps = {}
    for name, points in curves.items():
        with tracking_errors(store.uri):
            held = {point.step: point.value for point in store.client.get_metric_history(run_id, name)}
        new[name] = {step: value for step, value in points.items() if held.get(step) != value}
    runs.log_curves(store, run_id, new)
    return sum(len(points) for points in new.values())


def _day(moment: str) -> int:
    return int(pd.Timestamp(moment).timestamp() // 86_400)
