"""The blend at the level of the process model: only before a year of labels is closed, and nothing but the level."""

from __future__ import annotations

import numpy as np
import pytest

from models.candidate import Candidate
from models.history import History
from models.levelled_blend import LevelledBlend, shift_to
from models.registry import candidates
from models.training import fit_all
from tests.models.conftest import BOOSTING, HORIZON_DAYS


@pytest.fixture(scope="module")
def recipes() -> dict[str, Candidate]:
    return candidates(["bgnbd", "blend", "blend_levelled"], HORIZON_DAYS, 7, 1.0, BOOSTING)


@pytest.fixture(scope="module")
def fitted(recipes: dict[str, Candidate], labelled: History) -> dict[str, Candidate]:
    allowed, today = labelled.at(labelled.closed_by(labelled.moments()[-1])), labelled.at(labelled.moments()[-1:])
    return {name: one.candidate for name, one in fit_all(recipes, allowed, today.features).items()}


def test_young_labels_give_the_order_and_the_process_model_the_level(
    fitted: dict[str, Candidate], labelled: History
) -> None:
    today = labelled.at(labelled.moments()[-1:]).features
    chances = {name: one.predict_proba(today)[:, 1] for name, one in fitted.items()}
    assert chances["blend_levelled"].mean() == pytest.approx(chances["bgnbd"].mean(), abs=1e-9)
    assert abs(chances["blend"].mean() - chances["bgnbd"].mean()) > 0.005
    moved = fitted["blend_levelled"].churn_log_odds(today) - fitted["blend"].churn_log_odds(today)
    assert np.ptp(moved) < 1e-9


def test_with_a_year_of_labels_it_is_the_blend(
    recipes: dict[str, Candidate], fitted: dict[str, Candidate], labelled: History
) -> None:
    today = labelled.at(labelled.moments()[-1:]).features
    members = fitted["blend"].fitted_
    for days, young in ((364, True), (365, False)):
        cutoffs = np.array(["2024-01-01", "2024-01-01"], "datetime64[us]") + np.array([0, days], "timedelta64[D]")
        recipe = recipes["blend_levelled"]
        assert isinstance(recipe, LevelledBlend)
        formula = LevelledBlend(recipe.members).join(members, cutoffs).refreshed(today).formula_
        assert (formula != fitted["blend"].formula_) == young


def test_without_rows_of_today_there_is_no_level_to_move_to(recipes: dict[str, Candidate], labelled: History) -> None:
    allowed = labelled.at(labelled.closed_by(labelled.moments()[-1]))
    alone = fit_all(recipes, allowed)
    nobody = fit_all(recipes, allowed, allowed.features.iloc[:0])
    for each in (alone, nobody):
        assert each["blend_levelled"].candidate.formula_ == each["blend"].candidate.formula_


def test_a_shift_of_log_odds_meets_the_mean_probability() -> None:
    assert shift_to(np.array([0.0, 0.0]), np.array([np.log(3.0), np.log(3.0)])) == pytest.approx(np.log(3.0))


def test_a_level_out_of_reach_moves_as_far_as_it_goes() -> None:
    assert shift_to(np.array([0.0, -30.0]), np.array([90.0, 90.0])) == pytest.approx(20.0)
    assert shift_to(np.array([0.0, 30.0]), np.array([-90.0, -90.0])) == pytest.approx(-20.0)
