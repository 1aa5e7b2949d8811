"""A search for better settings of the trees: Optuna proposes, the backtest's origins judge one after the other.

What does worse than the median so far is given up (pruned) at that origin. The test cutoff is never looked at. The
settings in params are trial 0, and stay unless others have the lower log loss at every origin: a handful of origins
is a weak proof, and the best of many trials is partly luck.

How many trials are finished seeds the next proposal, so a search that was killed and goes on makes the same trials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import optuna
from optuna.trial import TrialState

from models.candidate import Candidate
from models.sampling import drawn
from models.selection import Split, always_less, loss_of

Settings = Mapping[str, float]
Recipe = Callable[[Settings], Candidate]
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
RANDOM_TRIALS = 5  # before the sampler has something to learn from
UNPRUNED_TRIALS = 2  # before there is a median worth the name


@dataclass(frozen=True)
class Range:
    """Where a setting is looked for; `log`: as likely between 1 and 2 as between 10 and 20."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


SPACE = {
    "rounds": Range(60, 400, log=True, whole=True),
    "learning_rate": Range(0.02, 0.2, log=True),
    "max_depth": Range(2, 7, whole=True),
    "min_child_weight": Range(2.0, 200.0, log=True),
    "subsample": Range(0.5, 1.0),
    "colsample_bytree": Range(0.3, 1.0),
    "l2": Range(0.1, 50.0, log=True),
}


@dataclass(frozen=True)
class Trial:
    """Settings and their log loss at each origin, as far as they were taken."""

    settings: dict[str, float]
    log_loss: tuple[float, ...]
    state: Literal["complete", "pruned"]

    @property
    def mean(self) -> float:
        """Mean log loss over the origins seen."""
        return float(np.mean(self.log_loss))


@dataclass(frozen=True)
class Verdict:
    """The settings to go on with, from which trial, and why; `confirmed`: log losses of the model in use by origin."""

    settings: dict[str, float]
    trial: int
    why: str
    confirmed: dict[str, list[float]] | None = None


def new_study(name: str, storage: optuna.storages.BaseStorage | None = None) -> optuna.Study:
    """The study of that name, with what is already known of it; trials that were under way when it ended are void."""
    pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED_TRIALS, n_warmup_steps=0)
    study = optuna.create_study(
        storage=storage, pruner=pruner, study_name=name, direction="minimize", load_if_exists=True
    )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def search(
    study: optuna.Study,
    judged: tuple[Recipe, list[Split]],
    defaults: Settings,
    seed: int,
    goes_on: Callable[[int], bool],
    say: Callable[[str], None],
) -> None:
    """Add trials to the study for as long as `goes_on(trials finished)`; `judged`: what is fitted, and where."""
    recipe, splits = judged
    while goes_on(done := len(trials_of(study))):
        study.sampler = optuna.samplers.TPESampler(seed=1000 * seed + done, n_startup_trials=RANDOM_TRIALS)
        trial = study.ask()
        proposed = {name: _proposed(trial, name, space) for name, space in SPACE.items()}
        settings = proposed if done else dict(defaults)
        trial.set_user_attr("settings", settings)
        state = _judged(trial, recipe(settings), splits)
        study.tell(trial, values=None if state is TrialState.PRUNED else _mean(trial), state=state)
        seen = len(trial.user_attrs["log_loss"])
        ended = "" if seen == len(splits) else f", given up after {seen} of {len(splits)} origins"
        say(f"trial {done}{'' if done else ' (as in params)'}: log loss {_mean(trial):.4f}{ended}")


def trials_of(study: optuna.Study) -> list[Trial]:
    """The finished trials, in order; the first one has the settings of params."""
    found = study.get_trials(deepcopy=False, states=FINISHED)
    return [
        Trial(dict(trial.user_attrs["settings"]), tuple(trial.user_attrs["log_loss"]), _told(trial.state))
        for trial in sorted(found, key=lambda trial: trial.number)
    ]


def verdict(trials: list[Trial], in_use: Recipe, whole: list[Split]) -> Verdict:
    """The best trial, if it beats the first one at every origin, and in the model in use on all rows as well."""
    first = trials[0]
    complete = [number for number, trial in enumerate(trials) if trial.state == "complete"]
    number = min(complete, key=lambda number: trials[number].mean)
    if number == 0:
        return Verdict(first.settings, 0, f"the settings of params stay: none of {len(trials) - 1} others has less")
    best = trials[number]
    if not always_less(list(best.log_loss), list(first.log_loss)):
        return Verdict(first.settings, 0, f"the settings of params stay: trial {number} is not better at every origin")
    return _confirmed(number, (first.settings, best.settings), in_use, whole)


def some_customers(split: Split, rows: int | None) -> Split:
    """The split with about `rows` rows to learn from, by whole customers; the rows to score are all kept."""
    if rows is None or len(split.training) <= rows:
        return split
    fewer = split.training.where(drawn(split.training.customers, rows / len(split.training), "tuning"))
    return replace(split, training=fewer) if 0 < fewer.churned.sum() < len(fewer) else split


def _judged(trial: optuna.Trial, candidate: Candidate, splits: list[Split]) -> TrialState:
    losses: list[float] = []
    for place, split in enumerate(splits):
        losses.append(loss_of(candidate, split))
        trial.set_user_attr("log_loss", losses)
        trial.report(float(np.mean(losses)), place)
        if place + 1 < len(splits) and trial.should_prune():
            return TrialState.PRUNED
    return TrialState.COMPLETE


def _confirmed(number: int, rivals: tuple[Settings, Settings], in_use: Recipe, whole: list[Split]) -> Verdict:
    old, new = rivals
    losses: dict[str, list[float]] = {"params": [], "tuned": []}
    for split in whole:
        losses["params"].append(loss_of(in_use(old), split))
        losses["tuned"].append(loss_of(in_use(new), split))
        if losses["tuned"][-1] >= losses["params"][-1]:
            why = f"the settings of params stay: in the model in use trial {number} is not better at every origin"
            return Verdict(dict(old), 0, why, losses)
    return Verdict(dict(new), number, f"trial {number}, better than the settings of params at every origin", losses)


def _proposed(trial: optuna.Trial, name: str, space: Range) -> float:
    if space.whole:
        return trial.suggest_int(name, int(space.low), int(space.high), log=space.log)
    return trial.suggest_float(name, space.low, space.high, log=space.log)


def _mean(trial: optuna.Trial) -> float:
    return float(np.mean(trial.user_attrs["log_loss"]))


def _told(state: TrialState) -> Literal["complete", "pruned"]:
    return "pruned" if state is TrialState.PRUNED else "complete"
