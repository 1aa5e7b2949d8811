"""The search proposes, prunes and decides by the origins alone, and goes on after a kill as if there had been none."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest

from models.boosting import Boosting
from models.candidate import Candidate
from models.history import History
from models.selection import Split, loss_of, splits_of
from models.tuning import (
    SPACE,
    Recipe,
    Settings,
    Trial,
    new_study,
    search,
    some_customers,
    trials_of,
    verdict,
)
from tests.models.conftest import BOOSTING, HORIZON_DAYS, feature_columns

TRIALS = 9


@pytest.fixture(scope="module")
def splits(labelled: History) -> list[Split]:
    whole, _ = splits_of(labelled, 2)
    return [some_customers(split, 600) for split in whole]


def quick(settings: Settings) -> Candidate:
    return Boosting({**settings, "rounds": min(settings["rounds"], 30)})


def searched(study: optuna.Study, splits: list[Split], trials: int = TRIALS, recipe: Recipe = quick) -> list[Trial]:
    search(study, (recipe, splits), BOOSTING, 7, lambda done: done < trials, lambda _: None)
    return trials_of(study)


@pytest.fixture(scope="module")
def unbroken(splits: list[Split]) -> list[Trial]:
    return searched(new_study("unbroken"), splits)


def test_the_first_trial_has_the_settings_of_params_and_its_loss_is_that_of_the_backtest(
    unbroken: list[Trial], splits: list[Split]
) -> None:
    assert unbroken[0].settings == BOOSTING
    assert list(unbroken[0].log_loss) == [loss_of(Boosting(BOOSTING), split) for split in splits]


def test_every_other_trial_lies_within_the_space(unbroken: list[Trial]) -> None:
    for trial in unbroken[1:]:
        assert set(trial.settings) == set(SPACE) == set(BOOSTING)
        assert all(SPACE[name].low <= value <= SPACE[name].high for name, value in trial.settings.items())


def test_a_trial_worse_than_the_median_at_the_first_origin_is_given_up_there(unbroken: list[Trial]) -> None:
    pruned = [number for number, trial in enumerate(unbroken) if trial.state == "pruned"]
    assert pruned
    for number in pruned:
        before = [trial.log_loss[0] for trial in unbroken[:number] if trial.state == "complete"]
        assert len(unbroken[number].log_loss) == 1
        assert unbroken[number].log_loss[0] > np.median(before)


def test_more_trials_later_are_the_same_as_all_at_once(unbroken: list[Trial], splits: list[Split]) -> None:
    study = new_study("in two goes")
    searched(study, splits, trials=4)
    assert searched(study, splits) == unbroken


def killed_in_a_trial(place: str, splits: list[Split]) -> None:
    fits = 0

    def recipe(settings: Settings) -> Candidate:
        nonlocal fits
        fits += 1
        if fits == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return quick(settings)

    searched(new_study("killed", optuna.storages.RDBStorage(f"sqlite:///{place}")), splits, recipe=recipe)


def test_a_search_killed_in_the_middle_of_a_trial_goes_on_and_ends_as_an_unbroken_one(
    unbroken: list[Trial], splits: list[Split], tmp_path: Path
) -> None:
    place = str(tmp_path / "study.db")
    victim = multiprocessing.get_context("spawn").Process(target=killed_in_a_trial, args=(place, splits))
    victim.start()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL

    study = new_study("killed", optuna.storages.RDBStorage(f"sqlite:///{place}"))
    assert [trial.state.name for trial in study.trials].count("FAIL") == 1
    assert trials_of(study) == unbroken[:6]
    assert searched(study, splits) == unbroken


def test_what_happens_at_the_test_cutoff_changes_nothing(
    unbroken: list[Trial], history: pd.DataFrame, splits: list[Split]
) -> None:
    flipped = history.assign(churned=history.churned.where(history.cutoff < history.cutoff.max(), 1 - history.churned))
    other, _ = splits_of(History.of(flipped, feature_columns(history), HORIZON_DAYS), 2)
    assert searched(new_study("other future"), [some_customers(split, 600) for split in other], 3) == unbroken[:3]


def test_fewer_rows_are_whole_customers_and_every_row_to_score_stays(labelled: History) -> None:
    (split,), _ = splits_of(labelled, 1)
    less = some_customers(split, 1000)
    kept = np.isin(split.training.customers, less.training.customers)
    assert len(less.training) == kept.sum() == pytest.approx(1000, rel=0.2)
    assert len(less.scored) == len(split.scored)
    assert some_customers(split, None) is some_customers(split, len(split.training)) is split


def trial(*losses: float, state: str = "complete", rounds: float = 50.0) -> Trial:
    return Trial({**BOOSTING, "rounds": rounds}, losses, state)  # type: ignore[arg-type]


def test_the_settings_of_params_stay_when_no_other_has_less(splits: list[Split]) -> None:
    found = verdict([trial(0.5, 0.5, rounds=30), trial(0.6, 0.5), trial(0.4, state="pruned")], quick, splits)
    assert (found.trial, found.settings) == (0, BOOSTING)
    assert found.why == "the settings of params stay: none of 2 others has less"


def test_the_settings_of_params_stay_when_another_wins_only_on_the_mean(splits: list[Split]) -> None:
    found = verdict([trial(0.5, 0.5, rounds=30), trial(0.2, 0.51)], quick, splits)
    assert (found.trial, found.settings) == (0, BOOSTING)
    assert found.why == "the settings of params stay: trial 1 is not better at every origin"


def test_what_won_in_the_search_must_win_in_the_model_in_use_on_all_rows_too(labelled: History) -> None:
    whole, _ = splits_of(labelled, 2)
    worse = replace(trial(0.1, 0.1), settings={**BOOSTING, "learning_rate": 0.001})
    found = verdict([trial(0.5, 0.5, rounds=30), worse], quick, whole)
    assert (found.trial, found.settings) == (0, BOOSTING)
    assert found.why == "the settings of params stay: in the model in use trial 1 is not better at every origin"
    assert found.confirmed is not None
    assert len(found.confirmed["tuned"]) == 1  # one lost origin is enough


def test_others_that_win_at_every_origin_and_in_the_model_in_use_are_taken(labelled: History) -> None:
    whole, _ = splits_of(labelled, 2)
    weak = Trial({**BOOSTING, "learning_rate": 0.001}, (0.5, 0.5), "complete")
    found = verdict([weak, trial(0.1, 0.1, rounds=30), trial(0.05, 0.6)], quick, whole)
    assert (found.trial, found.settings) == (1, BOOSTING)
    assert found.confirmed == {
        side: [loss_of(quick(settings), split) for split in whole]
        for side, settings in (("params", weak.settings), ("tuned", BOOSTING))
    }
