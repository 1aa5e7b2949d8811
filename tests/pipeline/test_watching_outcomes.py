"""Old promises against what happened: only at cutoffs the model learned nothing of, else the test that judged it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from models.scorer import Scorer
from pipeline import paths
from pipeline.evaluate import scored
from pipeline.files import read_table, write_table
from pipeline.watching.outcomes import EVALUATED, IN_FORCE, NONE, outcomes
from tests.pipeline.tiny_shop import BLEND, CUTOFFS, SIZE, write_model, write_tiny_shop


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tiny_shop(tmp_path)


def told(*trained_on: int, evaluated: str | None = None, **about: object) -> dict[str, object]:
    write_model(paths.CHAMPION, "blend", BLEND, trained_on=trained_on, **about)
    return outcomes(Scorer.load(paths.CHAMPION), paths.HISTORY, paths.PREDICTIONS, evaluated)


def cutoffs(found: dict[str, object]) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", found["cutoffs"])


def test_a_model_in_force_is_held_against_every_horizon_that_closed_after_it_learned() -> None:
    # Its labels end 90 days after the first cutoff, on the day of the second: that one and the third are unseen.
    found = told(0)
    assert found["state"] == IN_FORCE
    assert [each["cutoff"] for each in cutoffs(found)] == [each.isoformat() for each in CUTOFFS[1:]]
    history = read_table(paths.HISTORY)
    rows = history[history["cutoff"] == CUTOFFS[2]]
    ours = scored(Scorer.load(paths.CHAMPION), rows)
    metrics = cast("dict[str, dict[str, float]]", cutoffs(found)[-1]["metrics"])
    assert metrics["roc_auc"]["measured"] == pytest.approx(roc_auc_score(rows["churned"], ours), abs=1e-6)
    assert metrics["log_loss"]["measured"] == pytest.approx(log_loss(rows["churned"], ours), abs=1e-6)
    assert metrics["churn_rate"]["expected"] == pytest.approx(ours.mean(), abs=1e-6)
    assert cutoffs(found)[-1]["customers"] == SIZE


def test_a_cutoff_inside_the_last_label_window_is_not_unseen() -> None:
    found = told(0, calibrated_on="2025-01-02T00:00:00+00:00")
    assert [each["cutoff"] for each in cutoffs(found)] == [CUTOFFS[2].isoformat()]


def test_a_model_that_learned_from_everything_shows_the_test_that_judged_it() -> None:
    history = read_table(paths.HISTORY)
    rows = history[history["cutoff"] == CUTOFFS[2]][["cutoff", "churned"]].assign(churn_probability=0.4)
    write_table(paths.PREDICTIONS, rows)
    version = write_model(Path("twin"), "blend", BLEND, trained_on=(0, 1, 2))
    found = told(0, 1, 2, evaluated=version)
    assert found["state"] == EVALUATED
    assert f"No horizon has closed since {version} was trained" in str(found["told"])
    metrics = cast("dict[str, dict[str, float]]", cutoffs(found)[0]["metrics"])
    assert metrics["churn_rate"]["measured"] == pytest.approx(rows["churned"].mean(), abs=1e-6)
    assert metrics["churn_rate"]["expected"] == pytest.approx(0.4)


def test_an_older_model_in_force_does_not_borrow_the_test_of_another() -> None:
    write_table(paths.PREDICTIONS, read_table(paths.HISTORY)[["cutoff", "churned"]].assign(churn_probability=0.4))
    found = told(0, 1, 2, evaluated="m-another")
    assert (found["state"], found["cutoffs"]) == (NONE, [])


def test_one_class_at_a_closed_cutoff_has_no_auc_but_a_rate() -> None:
    history = read_table(paths.HISTORY)
    write_table(paths.HISTORY, history.assign(churned=np.int8(1)))
    metrics = cast("dict[str, dict[str, float | None]]", cutoffs(told(0))[0]["metrics"])
    assert metrics["roc_auc"]["measured"] is None
    assert metrics["churn_rate"]["measured"] == 1.0
