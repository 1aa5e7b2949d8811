"""Which rows count as training, read batch by batch; and today's customers as the model in force sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.scorer import Scorer
from pipeline import paths
from pipeline.files import read_table
from pipeline.watching import today as watching
from pipeline.watching.today import today_by, training_rows
from tests.pipeline.tiny_shop import AS_OF, BLEND, CUTOFFS, SIZE, write_model, write_tiny_shop


@pytest.fixture
def scorer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scorer:
    monkeypatch.chdir(tmp_path)
    write_tiny_shop(tmp_path)
    write_model(paths.CHAMPION, "blend", BLEND, trained_on=(0,), calibrated_on=CUTOFFS[1].isoformat())
    return Scorer.load(paths.CHAMPION)


def test_training_rows_are_those_of_the_cutoffs_the_model_learned_or_was_calibrated_on(scorer: Scorer) -> None:
    then = training_rows(scorer, paths.HISTORY)
    assert (then.rows, then.customers, then.cutoffs) == (2 * SIZE, SIZE, tuple(CUTOFFS[:2]))
    history = read_table(paths.HISTORY)
    expected = history[history["cutoff"] < CUTOFFS[2]][list(scorer.feature_columns)].to_numpy()
    assert np.array_equal(then.values, expected)


def test_many_rows_are_thinned_evenly_and_read_in_batches(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = training_rows(scorer, paths.HISTORY)
    monkeypatch.setattr(watching, "MOST_ROWS", 40)
    monkeypatch.setattr(watching, "BATCH", 7)
    some = training_rows(scorer, paths.HISTORY)
    assert (some.rows, len(some.values)) == (2 * SIZE, 40)
    assert np.array_equal(some.values, whole.values[np.linspace(0, 2 * SIZE - 1, 40).astype(int)])


def test_a_history_without_the_models_cutoffs_is_compared_as_a_whole(tmp_path: Path, scorer: Scorer) -> None:
    folder = tmp_path / "other"
    write_model(folder, "blend", BLEND, trained_on=(), calibrated_on="2020-01-01T00:00:00+00:00")
    assert training_rows(Scorer.load(folder), paths.HISTORY).rows == 3 * SIZE


def test_todays_shares_add_up_to_the_calibrated_log_odds(scorer: Scorer) -> None:
    today = today_by(scorer, paths.CHAMPION)
    assert (len(today.current), today.as_of) == (SIZE, AS_OF)
    total = today.shares.base + today.shares.shares.sum(axis=1)
    assert total == pytest.approx(scorer.churn_log_odds(today.values), abs=1e-5)
