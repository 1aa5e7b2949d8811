"""Stage `promote`: puts a model in force if the gate holds; `--rollback` goes back to the one before.

`data/champion/` is the model in force, the registry's alias `champion` its record. Inside a DVC experiment the alias
stays where it is. `reports/in_force.json` is kept out of DVC's cache on purpose: a stage with such an output is never
answered from the run cache, so the alias follows when an earlier state of the params comes back.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from models.scorer import Scorer
from pipeline import gate, paths
from pipeline.files import directory_aside, read_json, read_table, write_json
from pipeline.params import Params
from pipeline.stage import progress, run_stage
from pipeline.tracking import registry
from pipeline.tracking.lineage import read_lineage
from pipeline.tracking.store import Store, open_store
from pipeline.tracking.watched import log_earlier, log_watch
from pipeline.watching.today import today_by
from pipeline.watching.watch import watched

EVALUATED = "evaluated"  # inside a model folder: the candidates as they were before they saw the test cutoff
Verdict = dict[str, object]


@dataclass(frozen=True)
class Case:
    """A challenger before the gate, and the version in force, if any."""

    params: Params
    store: Store
    challenger: Scorer
    test: pd.DataFrame
    current: registry.Registered | None

    @property
    def name(self) -> str:
        """Of the registered model."""
        return self.params.promote.model_name

    @property
    def is_in_force(self) -> bool:
        """Does the alias already name this very content?"""
        return self.current is not None and self.current.model_version == self.challenger.model_version


def promote(params: Params) -> str:
    """Judge the model; writes `data/champion/`, `reports/gate.json` and `reports/in_force.json`."""
    test, challenger, store = read_table(paths.PREDICTIONS), Scorer.load(paths.MODEL), open_store()
    case = Case(params, store, challenger, test, registry.in_force(store, params.promote.model_name))
    is_experiment = "DVC_EXP_NAME" in os.environ

    with tempfile.TemporaryDirectory() as scratch:
        progress(f"judging {challenger.model_version} on {len(test):,} test rows")
        verdict, folder = _judged(case, Path(scratch))
        if verdict["promoted"] and not is_experiment:
            _put_in_force(case, verdict)
        _copy(folder)

    write_json(paths.GATE, verdict)
    in_registry = case.is_in_force or not verdict["promoted"] or not is_experiment
    write_json(paths.IN_FORCE, {"model_version": Scorer.load(paths.CHAMPION).model_version, "in_registry": in_registry})
    _watch(case, in_registry)
    return _result(verdict, in_registry)


def rollback(params: Params) -> str:
    """Put the version before in force again; the next `dvc repro` scores with it."""
    store, name = open_store(), params.promote.model_name
    gone, back = registry.before(store, name)
    with tempfile.TemporaryDirectory() as scratch:
        folder = registry.download(store, name, back, Path(scratch))
        # First, so that whatever stops the rest, DVC asks the gate again, which follows the registry.
        paths.IN_FORCE.unlink(missing_ok=True)
        registry.withdraw(store, name, gone, back)
        _copy(folder)
    return (
        f"{back.model_version} is in force again, {gone.model_version} is withdrawn; run `dvc repro` to score with it"
    )


def _judged(case: Case, scratch: Path) -> tuple[Verdict, Path]:
    """The verdict, and the folder of the model to put in force; what a model was told once on these rows, it keeps."""
    ground = gate.judged_on(case.test, case.params.promote, case.params.evaluate)
    recorded = _recorded(case, ground)
    if recorded and case.is_in_force:
        return recorded, paths.MODEL
    rival, reason = _rival(case, scratch)
    checks = _checks(case, rival)
    version = case.current.model_version if case.current and not case.is_in_force else None
    verdict = gate.verdict(case.challenger.model_version, version, reason, checks, ground)
    if verdict["promoted"]:
        # A model that comes back and holds its own again keeps its first verdict: outputs do not tell of detours.
        return recorded or verdict, paths.MODEL
    if rival is None:
        gate.refuse_nobody_in_force(checks)
    return verdict, cast("Path", rival)


def _recorded(case: Case, ground: Verdict) -> Verdict | None:
    known = registry.find(case.store, case.name, case.challenger.model_version)
    recorded = registry.recorded_verdict(case.store, known) if known else None
    return recorded if recorded and recorded["judged_on"] == ground else None


def _rival(case: Case, scratch: Path) -> tuple[Path | None, str]:
    """The folder of the model in force, or None; and in a sentence what the challenger is judged by."""
    if case.current is None or case.is_in_force:  # a model is not its own rival
        return None, "no other model is in force: the limits alone decide"
    folder = registry.download(case.store, case.name, case.current, scratch)
    against = gate.not_comparable(case.challenger, Scorer.load(folder), _columns())
    if against:
        return None, f"{against}: the limits alone decide"
    return folder, f"compared with {case.current.model_version} in force on the same test rows"


def _checks(case: Case, rival: Path | None) -> list[gate.Check]:
    limits, how, has_rival = case.params.promote, case.params.evaluate, rival is not None
    checks = gate.floor_checks(case.test, read_json(paths.METRICS), (limits, how), has_rival)
    checks.append(gate.segment_check(case.test, limits, how, has_rival))
    checks.append(gate.leakage_check(read_json(paths.BACKTEST)))
    checks.append(gate.proof_check(read_json(paths.CATALOGUE)))
    checks.append(gate.features_check(case.challenger, _columns()))
    checks.append(gate.withdrawn_check(registry.is_withdrawn(case.store, case.name, case.challenger.model_version)))
    return checks if rival is None else [*checks, *_beside(case, rival)]


def _beside(case: Case, folder: Path) -> list[gate.Check]:
    """What is asked only when another model can answer."""
    limits, how, name = case.params.promote, case.params.evaluate, Scorer.load(folder).model_version
    theirs = _probabilities(_honest(folder, case.test["cutoff"].max()), case.test)
    groups = gate.rival_segment_check(case.test, theirs, name, limits, how)
    asked = [gate.rival_check(case.test, theirs, name, limits, how), gate.hold_check(name, limits)]
    return asked if groups is None else [*asked, groups]


def _columns() -> list[str]:
    return [str(column["name"]) for column in cast("list[dict[str, object]]", read_json(paths.CATALOGUE)["columns"])]


def _honest(folder: Path, test_cutoff: pd.Timestamp) -> Scorer:
    """The model in force; when its refit saw the test's outcomes, its state before it saw its own test."""
    final = Scorer.load(folder)
    before = folder / EVALUATED / final.chosen
    return final if gate.saw_labels_until(final) <= test_cutoff or not before.exists() else Scorer.load(before)


def _probabilities(scorer: Scorer, test: pd.DataFrame) -> np.ndarray:
    columns = list(scorer.feature_columns)
    history = read_table(paths.HISTORY, ["customer_id", "cutoff", *columns])
    rows = test[["customer_id", "cutoff"]].merge(history, on=["customer_id", "cutoff"], how="left", validate="1:1")
    return scorer.churn_probability(rows[columns].to_numpy(np.float64, na_value=np.nan))


def _put_in_force(case: Case, verdict: Verdict) -> None:
    if case.is_in_force and case.current and registry.recorded_verdict(case.store, case.current) == verdict:
        return
    run_id = str(read_json(paths.MLFLOW_RUN)["run_id"])
    tags = {
        registry.VERSION_TAG: case.challenger.model_version,
        "horizon_days": str(case.challenger.horizon_days),
        "dvc.lock_md5": str(read_lineage(case.params).lock_md5),
    }
    number = registry.put_in_force(case.store, case.name, run_id, tags, verdict)
    progress(f"registered as version {number} of {case.name}, alias {registry.ALIAS}")


def _watch(case: Case, in_registry: bool) -> None:
    """What can be said of the model in force today goes to its run; `score`, which reports it, knows no MLflow."""
    scorer, now = Scorer.load(paths.CHAMPION), registry.in_force(case.store, case.name)
    run_id = now.run_id if now and in_registry else str(read_json(paths.MLFLOW_RUN)["run_id"])
    new = log_watch(case.store, run_id, watched(today_by(scorer, paths.CHAMPION)))
    new += log_earlier(case.store, case.name, scorer.model_version, paths.HISTORY, _columns())
    progress(f"{new} new points of the watch in the runs of {scorer.model_version} and the models before")


def _copy(folder: Path) -> None:
    with directory_aside(paths.CHAMPION) as aside:
        for file in sorted(folder.iterdir()):
            if file.is_file():
                shutil.copyfile(file, aside / file.name)


def _result(verdict: Verdict, in_registry: bool) -> str:
    if not verdict["promoted"]:
        return f"{verdict['challenger']} refused, {verdict['in_force']} stays in force: {'; '.join(_failed(verdict))}"
    if in_registry:
        advice = "".join(f"; beware: {text}" for text in _failed(verdict))
        return f"{verdict['challenger']} is in force; {verdict['reason']}{advice}"
    return (
        f"{verdict['challenger']} passes and is in data/champion of this experiment; the registry is left alone. "
        "To put it in force: `dvc exp apply`, then `dvc repro --force --single-item promote`"
    )


def _failed(verdict: Verdict) -> list[str]:
    return [str(check["text"]) for check in cast("list[dict[str, object]]", verdict["checks"]) if not check["ok"]]


if __name__ == "__main__":
    run_stage("promote", rollback if "--rollback" in sys.argv[1:] else promote)
