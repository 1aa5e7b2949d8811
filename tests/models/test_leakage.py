"""The two leak alarms: each rings on a leak and is silent without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.errors import ModelError
from models.history import History
from models.leakage import ShuffledLabel, chance_above, refuse_too_good, shuffled_label


def test_skill_vanishes_with_the_label(labelled: History) -> None:
    origin = labelled.origins(1)[0]
    found = shuffled_label(labelled.at(labelled.closed_by(origin)), labelled.at([origin]), seed=7)
    assert -0.1 < found.skill < 0.02
    found.require()
    assert found.described()["holds"] is True


def test_skill_that_survives_stops_the_run() -> None:
    with pytest.raises(ModelError, match=r"shuffled labels still have a skill of 0\.300 at origin 2025-01-01"):
        ShuffledLabel("2025-01-01", (0.2, 0.4), (0.8, 0.9)).require()


def test_the_alarm_is_wired_to_the_scores(labelled: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a shuffle that shuffles nothing, skill remains and the alarm rings."""
    origin = labelled.origins(1)[0]

    class Lazy:
        def permutation(self, values):
            return range(values) if isinstance(values, int) else values

    monkeypatch.setattr("models.leakage.np.random.default_rng", lambda _: Lazy())
    with pytest.raises(ModelError, match="shuffled labels still have a skill"):
        shuffled_label(labelled.at(labelled.closed_by(origin)), labelled.at([origin]), seed=7).require()


def test_an_auc_above_the_ceiling_names_candidate_origin_and_column(labelled: History) -> None:
    origin = labelled.at(labelled.moments()[-1:])
    leaky = replace(origin, features=origin.features.assign(next_order_known=1.0 - origin.churned))
    with pytest.raises(ModelError, match=r"trees reaches AUC 0\.9990 at origin .*next_order_known \(AUC 1\.000\)"):
        refuse_too_good({"rule": [0.7], "trees": [0.999]}, [leaky], 0.97)


def test_an_auc_below_the_ceiling_passes(labelled: History) -> None:
    refuse_too_good({"rule": [0.7], "trees": [0.96]}, [labelled, labelled], 0.97)


def test_ten_customers_told_apart_by_chance_are_no_leak(labelled: History) -> None:
    few = labelled.at(labelled.moments()[-1:])
    both = np.concatenate([np.flatnonzero(few.churned)[:6], np.flatnonzero(few.churned == 0)[:4]])
    refuse_too_good({"trees": [1.0]}, [few.where(np.isin(np.arange(len(few)), both))], 0.985)
    with pytest.raises(ModelError, match="trees reaches AUC"):
        refuse_too_good({"trees": [1.0]}, [few], 0.985)


def test_shuffled_skill_on_a_handful_of_rows_says_nothing() -> None:
    few = ShuffledLabel("2025-01-01", (0.2, 0.4), (0.8, 0.9), rows=10)
    few.require()
    assert few.described()["holds"] is True


def test_chance_lets_the_auc_of_few_customers_stray_as_hanley_and_mcneil_say() -> None:
    """Of many samples with a true AUC of 0.9, drawn with binormal scores, few exceed the bound."""
    random = np.random.default_rng(7)
    apart = 2**0.5 * 1.2816  # a true AUC of 0.9
    leavers, stayers = random.normal(apart, 1, (4_000, 30, 1)), random.normal(0, 1, (4_000, 1, 20))
    drawn = (leavers > stayers).mean(axis=(1, 2))
    assert 0.001 < (drawn > chance_above(0.9, 30, 20)).mean() < 0.05
    assert chance_above(0.9, 30_000, 20_000) == pytest.approx(0.9, abs=0.006)
