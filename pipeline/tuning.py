"""The search for settings of the trees within `train`: its budget, the file it goes on from, and its report.

`data/tuning/study.db` is Optuna's own SQLite file. It is no output of DVC, because it must outlive a killed stage; a
finished search is taken from it as it is. Remove it at any time: the same trials come out again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import optuna

import models
from models.candidate import Candidate
from models.history import History, iso
from models.plain import Json
from models.registry import candidates
from models.selection import Split, splits_of
from models.tuning import SPACE, Settings, Trial, Verdict, new_study, search, some_customers, trials_of, verdict
from pipeline import paths
from pipeline.params import Params, Train, Tuning
from pipeline.stage import progress

STUDY = Path("data/tuning/study.db")
JUDGED = "xgboost"  # in the search: the trees alone, which is fast
IN_USE = ("blend", "xgboost_btyd", "xgboost")  # the first of them among the candidates must be better as well


@dataclass(frozen=True)
class Tuned:
    """The params with the settings to go on with, and what to write to reports/tuning.json."""

    params: Params
    report: dict[str, Json]


def tuned(params: Params, history: History) -> Tuned:
    """Search within the budget; the settings of params stay unless others win at every origin."""
    train = params.train
    splits, (method, _) = splits_of(history, train.origins)
    budget = train.tuning
    in_use = next((name for name in IN_USE if name in train.candidates), None)
    if not (budget.trials and splits and in_use):
        return Tuned(params, _described(budget, train.xgboost.model_dump()))
    judged = [some_customers(split, budget.rows) for split in splits]
    progress(f"tuning: {budget.trials} trials on {', '.join(f'{len(part.training):,}' for part in judged)} rows")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = _open_study(train)
    known = len(trials_of(study))
    if known:
        progress(f"tuning: {min(known, budget.trials)} trials are known from {STUDY}")
    search(
        study,
        (_recipe(train, history, JUDGED), judged),
        train.xgboost.model_dump(),
        train.seed,
        _within(budget),
        progress,
    )

    trials = trials_of(study)[: budget.trials]
    found = verdict(trials, _recipe(train, history, in_use), splits)
    progress(f"tuning: {found.why}")
    about: dict[str, Json] = {"method": method, "origins": [iso(split.scored.cutoffs[0]) for split in splits]}
    report = _described(budget, train.xgboost.model_dump(), found, trials) | about | {"rows": _rows(judged)}
    return Tuned(_with(params, found.settings), report)


def _open_study(train: Train) -> optuna.Study:
    STUDY.parent.mkdir(parents=True, exist_ok=True)
    # SQLite and not a journal file: a kill in the middle of a write leaves no torn line and no lock behind.
    storage = optuna.storages.RDBStorage(f"sqlite:///{STUDY}")
    return new_study(_name(train), storage)


def _name(train: Train) -> str:
    """All that the trials depend on but their number: another shop, other code or other params are another study."""
    with paths.HISTORY.open("rb") as file:  # it may be larger than memory
        digest = hashlib.file_digest(file, "sha256")
    about = train.model_dump(mode="json", exclude={"tuning": {"trials", "minutes"}, "candidates": True})
    digest.update(json.dumps(about, sort_keys=True).encode())
    digest.update(f"{SPACE} {version('optuna')} {version('xgboost-cpu')}".encode())
    for code in sorted(Path(models.__path__[0]).glob("*.py")):
        digest.update(code.read_bytes())
    return digest.hexdigest()[:16]


def _recipe(train: Train, history: History, name: str) -> Callable[[Settings], Candidate]:
    def recipe(settings: Settings) -> Candidate:
        return candidates([name], history.horizon_days, train.seed, train.logistic.l2, settings)[name]

    return recipe


def _within(budget: Tuning) -> Callable[[int], bool]:
    """The first trial, the settings of params, is always made."""
    until = None if budget.minutes is None else time.monotonic() + 60.0 * budget.minutes

    def goes_on(done: int) -> bool:
        return done == 0 or (done < budget.trials and (until is None or time.monotonic() < until))

    return goes_on


def _with(params: Params, settings: Settings) -> Params:
    kept = {name: int(value) if SPACE[name].whole else value for name, value in settings.items()}
    trees = params.train.xgboost.model_copy(update=kept)
    return params.model_copy(update={"train": params.train.model_copy(update={"xgboost": trees})})


def _rows(splits: list[Split]) -> list[Json]:
    return [len(split.training) for split in splits]


def _described(
    budget: Tuning, defaults: dict[str, float], found: Verdict | None = None, trials: list[Trial] | None = None
) -> dict[str, Json]:
    return {
        "budget": {"trials": budget.trials, "minutes": budget.minutes, "rows": budget.rows},
        "params": {**defaults},
        "settings": {**(found.settings if found else defaults)},
        "trial": found.trial if found else None,
        "why": found.why if found else "no search: train.tuning.trials is 0, or no candidate has trees",
        "on_all_rows": {name: [*losses] for name, losses in found.confirmed.items()}
        if found and found.confirmed
        else None,
        "trials": [
            {
                "settings": {**trial.settings},
                "log_loss": list(trial.log_loss),
                "mean_log_loss": trial.mean,
                "state": trial.state,
            }
            for trial in trials or []
        ],
    }
