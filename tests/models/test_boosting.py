"""Trees on a base margin."""

from __future__ import annotations

import numpy as np
import pytest

from models.bgnbd import BgNbdChurn
from models.boosting import Boosting, BoostingOnBtyd, ChurnRate
from models.history import History
from tests.models.conftest import BOOSTING, HORIZON_DAYS

STUMPS = BOOSTING | {"rounds": 1, "learning_rate": 1e-6}


def test_without_learning_the_margin_alone_answers(labelled: History) -> None:
    rows, churned = labelled.features, labelled.churned
    plain = Boosting(STUMPS).fit(rows, churned).predict_proba(rows)[:, 1]
    assert plain == pytest.approx(np.full(len(rows), churned.mean()), abs=1e-5)
    process = BgNbdChurn(HORIZON_DAYS).fit(rows, churned).churn_log_odds(rows)
    assert BoostingOnBtyd(STUMPS, 7, HORIZON_DAYS).fit(rows, churned).churn_log_odds(rows) == pytest.approx(
        process, abs=1e-4
    )


def test_another_seed_grows_other_trees(labelled: History) -> None:
    rows, churned = labelled.features, labelled.churned
    one, two = (Boosting(BOOSTING, seed).fit(rows, churned).churn_log_odds(rows) for seed in (1, 2))
    assert np.abs(one - two).max() > 0.001


def test_the_churn_rate_is_the_same_for_everyone(labelled: History) -> None:
    answer = ChurnRate().fit(labelled.features, labelled.churned).predict_proba(labelled.features)[:, 1]
    assert answer == pytest.approx(np.full(len(labelled), labelled.churned.mean()))
