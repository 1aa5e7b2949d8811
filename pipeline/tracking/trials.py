"""The trials of the search for settings, as nested runs: what was tried, how it did at each origin, how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from pipeline.stage import progress
from pipeline.tracking import runs
from pipeline.tracking.store import Store

Tree = Mapping[str, object]
PREFIX = "train.xgboost."  # as the run above names them, so that the two compare


def tuning_tags(tuning: Tree) -> dict[str, str]:
    """What came of the search, as tags of the run; a shop without a search has none."""
    settings = cast("Mapping[str, object]", tuning.get("settings", {}))
    taken = {f"tuned.{name}": str(value) for name, value in settings.items()} if tuning.get("trial") else {}
    return ({"tuning": str(tuning["why"])} if "why" in tuning else {}) | taken


def record_trials(store: Store, parent: str, tuning: Tree) -> int:
    """One nested run per trial; pruned ones say so by name and tag, and have fewer steps. Returns how many."""
    trials = cast("Sequence[Tree]", tuning.get("trials", []))
    if trials:
        progress(f"logging {len(trials)} trials of the search for settings as nested runs")
    for number, trial in enumerate(trials):
        state = str(trial["state"])
        name = f"trial {number}" + (", pruned" if state == "pruned" else "")
        taken = str(tuning.get("trial") == number).lower()
        with runs.recorded_run(store, name, {"trial": str(number), "state": state, "taken": taken}, parent) as run_id:
            settings = cast("Mapping[str, object]", trial["settings"])
            params = {f"{PREFIX}{setting}": str(value) for setting, value in settings.items()}
            losses = cast("Sequence[float]", trial["log_loss"])
            runs.log_values(store, run_id, params, {"trial_mean_log_loss": cast("float", trial["mean_log_loss"])})
            runs.log_curves(store, run_id, {"trial_log_loss": dict(enumerate(losses))})
    return len(trials)
