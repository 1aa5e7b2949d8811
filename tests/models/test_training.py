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


def test_calibration_comes_from_the_latest_cutoff_scored_by_a_fit_without_it(
    trained: dict[str, Trained], labelled: History
) -> None:
    allowed = labelled.at(labelled.closed_by(labelled.moments()[-1]))
    earlier, latest = allowed.at(allowed.moments()[:-1]), allowed.at(allowed.moments()[-1:])
    probe = recipes("logistic")["logistic"].fit(earlier.features, earlier.churned, earlier.cutoffs)
    assert trained["logistic"].calibration == fitted_calibration(probe.churn_log_odds(latest.features), latest.churned)
    assert trained["logistic"].calibrated_on == iso(allowed.moments()[-1])


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
    alone = fit_all(recipes("recency_rule"), labelled.at(labelled.moments()[:1]))["recency_rule"]
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
