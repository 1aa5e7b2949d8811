"""The one recipe: calibrated on a closed cutoff the probe had not seen; degraded soundly when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from models.blend import Blend
from models.calibration import Calibration, fitted_calibration
from models.candidate import Candidate
from models.history import History, iso
from models.registry import candidates
from models.training import Trained, fit_all
from tests.models.conftest import BOOSTING, HORIZON_DAYS


def recipes(*names: str) -> dict[str, Candidate]:
    return candidates(list(names), HORIZON_DAYS, 7, 1.0, BOOSTING)


def closed(labelled: History) -> History:
    return labelled.at(labelled.closed_by(labelled.moments()[-1]))


def test_calibration_comes_from_the_latest_cutoff_scored_by_a_fit_without_it(labelled: History) -> None:
    allowed = closed(labelled)
    earlier, latest = allowed.at(allowed.moments()[:-1]), allowed.at(allowed.moments()[-1:])
    probe = recipes("logistic")["logistic"].fit(earlier.features, earlier.churned, earlier.cutoffs)
    fitted = fit_all(recipes("logistic", "bgnbd"), allowed, calibrate=["logistic"])
    expected = fitted_calibration(probe.churn_log_odds(latest.features), latest.churned)
    assert fitted["logistic"].calibration == expected
    assert fitted["logistic"].calibrated_on == iso(allowed.moments()[-1])
    assert (fitted["bgnbd"].calibration, fitted["bgnbd"].calibrated_on) == (Calibration(), None)


def test_every_closed_cutoff_is_learned_from_with_a_calibration_or_without(labelled: History) -> None:
    allowed = closed(labelled)
    alone = recipes("logistic")["logistic"].fit(allowed.features, allowed.churned, allowed.cutoffs)
    for calibrate in ([], ["logistic"]):
        fitted = fit_all(recipes("logistic"), allowed, calibrate=calibrate)["logistic"]
        assert fitted.candidate.formula_ == alone.formula_
        assert fitted.trained_on == tuple(iso(moment) for moment in allowed.moments())


def test_process_models_learn_from_todays_orders_before_any_label_of_today_is_known(labelled: History) -> None:
    allowed, today = closed(labelled), labelled.at(labelled.moments()[-1:])
    fitted = fit_all(recipes("bgnbd", "logistic", "xgboost", "blend"), allowed, today.features)
    now = recipes("bgnbd")["bgnbd"].fit(today.features, 1 - today.churned)  # its labels turned round: never looked at
    assert fitted["bgnbd"].candidate.formula_ == now.formula_
    assert fitted["bgnbd"].candidate.formula_ != fit_all(recipes("bgnbd"), allowed)["bgnbd"].candidate.formula_
    nobody = fit_all(recipes("bgnbd"), allowed, today.features.iloc[:0])["bgnbd"]
    assert nobody.candidate.formula_ == fit_all(recipes("bgnbd"), allowed)["bgnbd"].candidate.formula_
    members = fitted["blend"].candidate.formula_["members"]
    assert members == [fitted[name].candidate.formula_ for name in ("bgnbd", "logistic", "xgboost")]


def test_a_blend_that_takes_members_equals_one_that_fits_its_own(
    trained: dict[str, Trained], labelled: History
) -> None:
    allowed = labelled.at(labelled.closed_by(labelled.moments()[-1]))
    alone = fit_all(recipes("blend"), allowed)["blend"]
    assert np.array_equal(alone.churn_log_odds(labelled.features), trained["blend"].churn_log_odds(labelled.features))


def test_a_blend_is_the_mean_of_its_members(trained: dict[str, Trained], labelled: History) -> None:
    members = [trained[name].candidate.churn_log_odds(labelled.features) for name in ("bgnbd", "logistic", "xgboost")]
    assert trained["blend"].candidate.churn_log_odds(labelled.features) == pytest.approx(np.mean(members, axis=0))
    assert isinstance(trained["blend"].candidate, Blend)


def test_one_cutoff_is_fitted_but_not_calibrated_and_says_so(labelled: History) -> None:
    first = labelled.at(labelled.moments()[:1])
    alone = fit_all(recipes("recency_rule"), first, calibrate=["recency_rule"])["recency_rule"]
    assert alone.calibration == Calibration()
    assert alone.calibrated_on is None
    assert "one cutoff" in alone.notes[0]


def test_columns_that_say_nothing_are_named(trained: dict[str, Trained]) -> None:
    assert trained["xgboost"].dropped_columns == ("always_one", "never_filled")


def test_trees_beat_the_rule_where_engagement_tells_more(trained: dict[str, Trained], labelled: History) -> None:
    test = labelled.at(labelled.moments()[-1:])
    loss = {
        name: -np.mean(np.log(np.where(test.churned, chance, 1 - chance)))
        for name in ("recency_rule", "xgboost", "xgboost_btyd")
        for chance in [trained[name].churn_probability(test.features)]
    }
    assert loss["xgboost"] < loss["recency_rule"] - 0.05
    assert loss["xgboost_btyd"] < loss["recency_rule"] - 0.05
