"""Fading interest learned from people who live by it, and trees on top of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.bgnbd import BgNbdChurn
from models.fading_fit import BoostingOnFading, FadingChurn, fitted_fading, log_likelihood
from models.fading_rows import lives_of
from models.formulas import Rows, required_columns
from models.reasons import BTYD_REASON, contributions
from tests.models.conftest import BOOSTING
from tests.models.fading_cohorts import KNOWN, simulated

STUMPS = BOOSTING | {"rounds": 1, "learning_rate": 1e-6}


@pytest.fixture(scope="module")
def people() -> tuple[pd.DataFrame, np.ndarray]:
    return simulated(KNOWN, 2000, seed=11)


@pytest.fixture(scope="module")
def fitted(people: tuple[pd.DataFrame, np.ndarray]) -> FadingChurn:
    rows, quiet = people
    return FadingChurn(90).fit(rows, quiet.astype(np.int8))


def skill(chance: np.ndarray, quiet: np.ndarray) -> float:
    rate = quiet.mean()
    base = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return float(1 + np.log(np.where(quiet, chance, 1 - chance)).mean() / base)


def test_the_parameters_people_live_by_are_found_again(fitted: FadingChurn) -> None:
    found = fitted.model_
    assert found.fade == pytest.approx(KNOWN.fade, rel=0.35)
    assert found.r / found.alpha == pytest.approx(KNOWN.r / KNOWN.alpha, rel=0.1)
    for sign, known in zip(found.signs, KNOWN.signs, strict=True):
        assert sign.r / sign.alpha == pytest.approx(known.r / known.alpha, rel=0.15)
        assert sign.left == pytest.approx(known.left, abs=0.06)


def test_nothing_near_fits_better(people: tuple[pd.DataFrame, np.ndarray], fitted: FadingChurn) -> None:
    rows = people[0]
    lives = lives_of(tuple(rows.columns), lambda name: rows[name].to_numpy(float))
    assert log_likelihood(fitted.model_, lives, 90.0) > log_likelihood(KNOWN, lives, 90.0) - 1e-6


def test_without_a_label_it_orders_new_people_nearly_as_well_as_the_truth(fitted: FadingChurn) -> None:
    rows, quiet = simulated(KNOWN, 3000, seed=12)
    alone = BgNbdChurn(90).fit(rows, quiet.astype(np.int8)).predict_proba(rows)[:, 1]
    mine = skill(fitted.predict_proba(rows)[:, 1], quiet)
    assert mine > skill(alone, quiet) + 0.05
    assert fitted.formula_["kind"] == "fading"


def test_the_label_is_not_used(people: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, quiet = people[0].iloc[:200], people[1][:200].astype(np.int8)
    one, other = (FadingChurn(90).fit(rows, label).formula_ for label in (quiet, 1 - quiet))
    assert one == other


def test_a_shop_of_orders_alone_gets_finite_answers() -> None:
    rows = pd.DataFrame({"btyd_x": np.zeros(50), "btyd_t_x": np.zeros(50), "btyd_T": np.arange(50.0)})
    fitted = FadingChurn(90).fit(rows, np.arange(50) % 2)
    assert np.isfinite(fitted.churn_log_odds(rows)).all()
    assert fitted_fading(lives_of(tuple(rows.columns), lambda name: rows[name].to_numpy()), 90.0).signs == ()


def test_trees_begin_with_what_fading_says_and_learn_the_rest(people: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, quiet = people[0].iloc[:400].assign(spend_ever=np.arange(400.0)), people[1][:400].astype(np.int8)
    base = FadingChurn(90).fit(rows, quiet)
    on_top = BoostingOnFading(STUMPS, 7, 90).fit(rows, quiet)
    assert on_top.churn_log_odds(rows) == pytest.approx(base.churn_log_odds(rows), abs=1e-4)
    assert required_columns(on_top.formula_) == {*rows.columns}
    rich = (rows["spend_ever"] > 200).to_numpy(np.int8)  # nothing that fading could know
    learned = BoostingOnFading(BOOSTING | {"min_child_weight": 1.0}, 7, 90).fit(rows, rich).predict_proba(rows)[:, 1]
    assert learned[rich == 1].mean() > learned[rich == 0].mean() + 0.3


def test_fading_is_one_reason_whose_value_is_its_probability(
    people: tuple[pd.DataFrame, np.ndarray], fitted: FadingChurn
) -> None:
    rows = people[0].iloc[:20]
    names = [str(name) for name in rows.columns]
    found = contributions(fitted.formula_, Rows.of(rows.to_numpy(float), names))
    assert found.features == (BTYD_REASON,)
    assert found.values[:, 0] == pytest.approx(fitted.predict_proba(rows)[:, 1])
    assert found.base + found.shares[:, 0] == pytest.approx(fitted.churn_log_odds(rows))
