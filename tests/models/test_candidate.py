"""Laws that hold for every candidate, and what all of them refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from features.errors import DataError, ModelError
from models.candidate import require_both_classes, usable_columns
from models.history import History
from models.registry import candidates
from models.training import Trained
from tests.models.conftest import BOOSTING, HORIZON_DAYS, NAMES


@pytest.mark.parametrize("name", NAMES)
def test_longer_silence_raises_mean_risk(name: str, trained: dict[str, Trained], labelled: History) -> None:
    rows = labelled.features
    quiet = rows.assign(
        days_since_last_order=rows.days_since_last_order + 120,
        btyd_T=rows.btyd_T + 120,
        tenure_days=rows.tenure_days + 120,
        silence_over_gap_mean=rows.silence_over_gap_mean * 2,
    )
    quiet = quiet.assign(orders_90d=0.0, sessions_30d=0.0, sessions_90d=0.0)
    assert trained[name].churn_probability(quiet).mean() > trained[name].churn_probability(rows).mean() + 0.02


@pytest.mark.parametrize("name", NAMES)
def test_order_of_rows_and_of_columns_changes_nothing(
    name: str, trained: dict[str, Trained], labelled: History
) -> None:
    rows = labelled.features
    shuffled = rows.sample(frac=1, random_state=1)[sorted(rows.columns)]
    back = pd.Series(trained[name].churn_probability(shuffled), shuffled.index).sort_index()
    assert np.abs(back.to_numpy() - trained[name].churn_probability(rows)).max() < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_of_staying_and_going_add_up(name: str, trained: dict[str, Trained], labelled: History) -> None:
    both = trained[name].candidate.predict_proba(labelled.features)
    assert both.shape == (len(labelled), 2)
    assert both.sum(axis=1) == pytest.approx(1.0)
    assert ((both > 0) & (both < 1)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_clone_forgets_the_fit_and_keeps_the_settings(name: str, trained: dict[str, Trained]) -> None:
    fresh = clone(candidates([name], HORIZON_DAYS, 7, 1.0, BOOSTING)[name])
    assert type(fresh) is type(trained[name].candidate)
    assert not hasattr(fresh, "formula_")


@pytest.mark.parametrize("name", NAMES)
def test_infinite_values_are_refused_by_name(name: str, labelled: History) -> None:
    rows = labelled.features.copy()
    rows.loc[[1, 5], "tenure_days"] = np.inf
    with pytest.raises(ModelError, match="tenure_days is infinite in 2 of"):
        candidates([name], HORIZON_DAYS, 7, 1.0, BOOSTING)[name].fit(rows, labelled.churned)


@pytest.mark.parametrize("name", NAMES)
def test_one_class_is_refused(name: str, labelled: History) -> None:
    with pytest.raises(DataError, match="only one class: 0 of"):
        candidates([name], HORIZON_DAYS, 7, 1.0, BOOSTING)[name].fit(labelled.features, labelled.churned * 0)


def test_constant_and_empty_columns_are_not_used() -> None:
    rows = pd.DataFrame(
        {"varies": [1.0, 2.0], "constant": [3.0, 3.0], "empty": [np.nan, np.nan], "flag": [4.0, np.nan]}
    )
    assert usable_columns(rows) == ["varies", "flag"]


def test_both_directions_of_one_class_say_what_to_change() -> None:
    with pytest.raises(DataError, match=r"2 of two rows churned.*longer"):
        require_both_classes(np.array([1, 1], np.int8), "two rows")
