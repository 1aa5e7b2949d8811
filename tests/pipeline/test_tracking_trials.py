"""The search for settings in MLflow: a nested run per trial, pruned ones marked, and its outcome on the run itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from pipeline import paths
from pipeline.files import write_json
from pipeline.track import track
from tests.pipeline.tracking_project import entered

SETTINGS = {"rounds": 200, "learning_rate": 0.06}
TUNING = {
    "trial": 2,
    "why": "trial 2, better than the settings of params at every origin",
    "settings": {"rounds": 90, "learning_rate": 0.1},
    "trials": [
        {"settings": SETTINGS, "log_loss": [0.5, 0.4], "mean_log_loss": 0.45, "state": "complete"},
        {"settings": SETTINGS, "log_loss": [0.7], "mean_log_loss": 0.7, "state": "pruned"},
        {
            "settings": {"rounds": 90, "learning_rate": 0.1},
            "log_loss": [0.4, 0.3],
            "mean_log_loss": 0.35,
            "state": "complete",
        },
    ],
}


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> tuple[MlflowClient, Run, list[Run]]:
    """The store, the run of a project with a search, and the runs of its trials, first to last."""
    folder: Path = tmp_path_factory.mktemp("tuned")
    with pytest.MonkeyPatch.context() as patch:
        params = entered(folder, patch)
        write_json(paths.TUNING, TUNING)
        track(params)
        told = json.loads(paths.MLFLOW_RUN.read_text())
    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    run = client.get_run(told["run_id"])
    below = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    children = client.search_runs([run.info.experiment_id], below, order_by=["attributes.start_time"])
    return client, run, [child for child in children if "trial" in child.data.tags]


def test_every_trial_is_a_nested_run_with_its_settings_named_as_in_params(
    tracked: tuple[MlflowClient, Run, list[Run]],
) -> None:
    _, _, trials = tracked
    assert [trial.data.params["train.xgboost.rounds"] for trial in trials] == ["200", "200", "90"]
    assert [trial.data.metrics["trial_mean_log_loss"] for trial in trials] == [0.45, 0.7, 0.35]
    assert {trial.info.status for trial in trials} == {"FINISHED"}


def test_a_pruned_trial_says_so_and_has_only_the_origins_it_saw(
    tracked: tuple[MlflowClient, Run, list[Run]],
) -> None:
    client, _, trials = tracked
    assert [trial.data.tags["state"] for trial in trials] == ["complete", "pruned", "complete"]
    assert [trial.info.run_name for trial in trials] == ["trial 0", "trial 1, pruned", "trial 2"]
    seen = [client.get_metric_history(trial.info.run_id, "trial_log_loss") for trial in trials]
    assert [[(point.step, point.value) for point in points] for points in seen] == [
        [(0, 0.5), (1, 0.4)],
        [(0, 0.7)],
        [(0, 0.4), (1, 0.3)],
    ]


def test_the_run_says_what_came_of_the_search(tracked: tuple[MlflowClient, Run, list[Run]]) -> None:
    client, run, trials = tracked
    assert run.data.tags["tuning"] == TUNING["why"]
    assert (run.data.tags["tuned.rounds"], run.data.tags["tuned.learning_rate"]) == ("90", "0.1")
    assert [trial.data.tags["taken"] for trial in trials] == ["false", "false", "true"]
    assert "reports/tuning.json" in {file.path for file in client.list_artifacts(run.info.run_id, "reports")}
