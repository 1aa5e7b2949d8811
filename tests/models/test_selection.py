"""The rolling-origin backtest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from models import selection
from models.candidate import Candidate
from models.formulas import probability
from models.history import History, iso
from models.registry import candidates
from models.selection import Backtest, backtest, splits_of
from models.training import fit_all
from tests.models.conftest import BOOSTING, HORIZON_DAYS, feature_columns, history_of, simulated_shop

HOW = ("rolling origins", ())


def of(**losses: list[float]) -> Backtest:
    return Backtest("m", ("o1", "o2"), (0.7, 0.7), losses, {name: [0.5, 0.5] for name in losses}, ())


def test_the_least_mean_log_loss_is_chosen_and_regret_is_against_each_origins_best() -> None:
    tested = of(rule=[0.60, 0.62], trees=[0.50, 0.56], process=[0.54, 0.50])
    assert tested.chosen == "process"
    shown = tested.described()["candidates"]
    assert shown["process"]["regret"] == pytest.approx(0.02)  # (0.04 + 0) / 2
    assert shown["trees"]["regret"] == pytest.approx(0.03)
    assert shown["rule"]["mean_log_loss"] == pytest.approx(0.61)
    assert shown["rule"]["skill"] == pytest.approx(1 - 0.61 / 0.7)


def test_a_tie_goes_to_the_one_named_first() -> None:
    assert of(rule=[0.5, 0.5], trees=[0.5, 0.5]).chosen == "rule"


def test_the_blend_stays_unless_a_single_method_beats_it_at_every_origin() -> None:
    assert of(rule=[0.30, 0.51], blend=[0.50, 0.50]).chosen == "blend"
    assert of(rule=[0.49, 0.49], trees=[0.48, 0.40], blend=[0.50, 0.50]).chosen == "trees"
    assert of(rule=[0.50, 0.50], blend=[0.50, 0.50]).chosen == "blend"


def test_an_origin_with_less_than_a_year_of_labels_does_not_speak_against_the_blend() -> None:
    losses = {"trees": [0.4, 0.6], "blend": [0.5, 0.5]}
    for speaking, chosen in (((True, False), "trees"), ((False, True), "blend"), ((False, False), "blend")):
        told = Backtest("rolling origins", ("a", "b"), (0.6, 0.6), losses, losses, (), frozenset(), speaking)
        assert told.chosen == chosen


def test_an_origin_speaks_when_it_knew_a_year_or_when_nobody_knows_one() -> None:
    old, young = (spread(np.arange(count) * 30) for count in (20, 12))
    splits, how = splits_of(old, 9)
    # The horizon is 90 days: at day 450 the labels of days 0 to 360 were known, at day 480 those of 0 to 390.
    days = [int((split.scored.cutoffs[0] - old.cutoffs[0]) / np.timedelta64(1, "D")) for split in splits]
    assert [day for day, split in zip(days, splits, strict=True) if split.speaks] == [480]
    assert all(split.speaks for split in splits_of(young, 9)[0])
    tested = backtest(recipes(), splits[-2:], how, lambda _: None)
    assert (tested.speaking, tested.notes[0]) == (
        (False, True),
        "1 of 2 origins knew less than a year of labels: they do not speak against the blend",
    )


def test_a_broken_promise_of_the_chosen_at_the_latest_origin_is_a_note(labelled: History) -> None:
    splits, how = splits_of(labelled, 2)
    tested = backtest(recipes(), splits, how, lambda _: None)
    chosen = tested.promises[tested.chosen]
    assert chosen.observed == splits[-1].scored.churned.mean()
    assert tested.described()["candidates"][tested.chosen]["latest_churn_rate"] == chosen.described()
    for observed, warned in ((chosen.expected, False), (chosen.high + 0.1, True)):
        told = replace(tested, promises={tested.chosen: replace(chosen, observed=observed)}).described()["notes"]
        assert any(f"calibration drifted: at origin {tested.origins[-1][:10]}" in note for note in told) == warned


def spread(days: np.ndarray) -> History:
    table = history_of(simulated_shop(300, 900, seed=5), [int(day) + 200 for day in days])
    return History.of(table, feature_columns(table), HORIZON_DAYS)


def test_origins_of_one_season_cannot_speak_for_a_calibration(labelled: History) -> None:
    splits, how = splits_of(labelled, 3)
    tested = backtest(recipes(), splits, how, lambda _: None)
    assert tested.calibrated == frozenset()
    assert tested.notes == ("not calibrated: 60 days of origins hold too few seasons to say whether that pays",)


def test_a_calibration_that_does_not_pay_at_every_origin_is_left_out(
    labelled: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "SEASONS_DAYS", 60.0)
    splits, how = splits_of(labelled, 3)
    tested = backtest(recipes(), splits, how, lambda _: None)
    for name in recipes():
        plain, calibrated = [], []
        for split in splits:
            trained = fit_all(recipes(), split.training, split.scored.features, recipes())[name]
            scores = trained.candidate.churn_log_odds(split.scored.features)
            plain.append(log_loss(split.scored.churned, probability(scores)))
            calibrated.append(log_loss(split.scored.churned, trained.churn_probability(split.scored.features)))
        pays = all(np.array(calibrated) < np.array(plain))
        assert (name in tested.calibrated) == pays
        assert tested.log_loss[name] == pytest.approx(calibrated if pays else plain)
        assert tested.described()["candidates"][name]["calibrated"] == pays


def recipes() -> dict[str, Candidate]:
    return candidates(["recency_rule", "bgnbd"], HORIZON_DAYS, 7, 1.0, BOOSTING)


def test_every_split_learns_only_from_label_windows_that_end_by_its_origin(labelled: History) -> None:
    splits, how = splits_of(labelled, 3)
    assert len(splits) == 3
    assert how == HOW
    for split in splits:
        origin = split.scored.cutoffs[0]
        assert (split.training.cutoffs + np.timedelta64(HORIZON_DAYS, "D")).max() <= origin
        assert origin + np.timedelta64(HORIZON_DAYS, "D") <= labelled.moments()[-1]


def test_labels_and_rows_of_the_test_cutoff_change_nothing(labelled: History) -> None:
    test = labelled.moments()[-1]
    open_at_test = labelled.cutoffs > labelled.closed_by(test)[-1]
    flipped = History(
        labelled.features.mask(pd.Series(open_at_test), 1.0),
        np.where(open_at_test, 1 - labelled.churned, labelled.churned).astype(np.int8),
        labelled.cutoffs,
        labelled.customers,
        HORIZON_DAYS,
    )
    logistic = candidates(["logistic"], HORIZON_DAYS, 7, 1.0, BOOSTING)
    first, second = (backtest(logistic, splits_of(one, 1)[0], HOW, lambda _: None) for one in (labelled, flipped))
    assert first.log_loss == second.log_loss


def test_losses_are_those_of_the_fitted_recipe_on_the_origin(labelled: History) -> None:
    splits, how = splits_of(labelled, 1)
    tested = backtest(recipes(), splits, how, lambda _: None)
    training, scored = splits[0].training, splits[0].scored
    chance = fit_all(recipes(), training, scored.features, tested.calibrated)["bgnbd"].churn_probability(
        scored.features
    )
    assert tested.log_loss["bgnbd"] == [pytest.approx(log_loss(splits[0].scored.churned, chance))]
    assert tested.origins == (iso(splits[0].scored.cutoffs[0]),)


def test_a_short_log_falls_back_to_folds_of_customers_and_says_so(labelled: History) -> None:
    moments = labelled.moments()
    short = labelled.at(
        [moments[0], moments[1], moments[4]]
    )  # days 0, 30, 120: both close by the last, neither before the other
    splits, (method, notes) = splits_of(short, 3)
    assert method == "customer folds"
    assert "too short" in notes[0]
    for split in splits:
        assert not set(split.training.customers) & set(split.scored.customers)


def test_fewer_origins_than_asked_for_are_noted(labelled: History) -> None:
    _, (_, notes) = splits_of(labelled, 99)
    assert "of 99 origins: the log is too short for more" in notes[0]
