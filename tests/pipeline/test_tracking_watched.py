"""The watch in MLflow: curves in the run of the model in force, and of those that were in force before."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from models.scorer import Scorer
from pipeline.files import write_table
from pipeline.params import Params
from pipeline.tracking import registry
from pipeline.tracking.store import open_store
from tests.pipeline.promoted import GOOD, WORSE, alias, run
from tests.pipeline.tracking_project import AS_OF, COLUMN, CUTOFF


def curve(run_id: str, metric: str) -> dict[int, float]:
    history = open_store().client.get_metric_history(run_id, metric)
    assert len(history) == len({point.step for point in history})  # asked twice, told once
    return {point.step: point.value for point in history}


def test_the_run_of_the_model_in_force_tells_what_to_expect_and_what_became_of_its_promises(shop: Params) -> None:
    run(shop, GOOD, trained_on="2025-01-01")  # its labels end before the cutoff of 2025-07-01
    run(shop)
    found = registry.in_force(open_store(), shop.promote.model_name)
    assert found
    today, test = (int(each.timestamp() // 86_400) for each in (AS_OF, CUTOFF))
    current = Scorer.load(Path("data/champion")).churn_probability(
        pd.read_parquet("data/features/current.parquet")[[COLUMN]].to_numpy(float)
    )
    assert curve(found.run_id, "watch_expected_churn_rate") == {today: pytest.approx(current.mean(), abs=1e-6)}
    assert set(curve(found.run_id, "watch_features_psi")) == {today}
    churned = pd.read_parquet("data/features/history.parquet")["churned"].mean()
    assert curve(found.run_id, "watch_churn_rate") == {test: pytest.approx(churned, abs=1e-6)}


def test_a_model_that_was_in_force_before_is_still_followed(shop: Params) -> None:
    run(shop, WORSE)
    old = registry.in_force(open_store(), shop.promote.model_name)
    before = set(curve(str(old and old.run_id), "watch_log_loss"))
    history = pd.read_parquet("data/features/history.parquet")
    later = CUTOFF + pd.Timedelta(days=30)
    write_table(Path("data/features/history.parquet"), pd.concat([history, history.assign(cutoff=later)]))
    run(shop, GOOD)
    assert alias(shop) != (old and old.model_version)
    assert set(curve(str(old and old.run_id), "watch_log_loss")) - before == {int(later.timestamp() // 86_400)}
