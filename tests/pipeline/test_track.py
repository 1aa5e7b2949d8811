"""Stage `track`: what a run holds, whatever happens to the server, the process or the environment."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from features.errors import TrackingError
from models.scorer import Scorer
from pipeline.track import track
from pipeline.tracking import runs
from pipeline.tracking.lineage import flat_params, read_lineage
from pipeline.tracking.store import EXPERIMENT, open_store, tracking_uri, without_password
from tests.pipeline.tracking_project import COLUMN, ROOT, entered, store_free_environment


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose finished run has been tracked, inside a DVC experiment, with a foreign MLFLOW_RUN_ID around."""
    folder = tmp_path_factory.mktemp("tracked")
    with pytest.MonkeyPatch.context() as patch:
        params = entered(folder, patch)
        patch.setenv("DVC_EXP_NAME", "brisk-otter")
        patch.setenv("MLFLOW_RUN_ID", "0" * 32)
        track(params)
    return folder


def parent(folder: Path) -> mlflow.entities.Run:
    told = json.loads((folder / "reports/mlflow_run.json").read_text())
    return client(folder).get_run(told["run_id"])


def client(folder: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")


def test_a_run_holds_the_params_that_really_ran_but_not_those_of_other_sources(tracked: Path) -> None:
    params = parent(tracked).data.params
    assert params["pull.demo.customers"] == "400"
    assert params["features.half_lives_days"] == "[14, 60]"
    assert "pull.files.orders.path" not in params


def test_every_metric_stands_with_its_interval_and_the_best_baseline(tracked: Path) -> None:
    metrics = parent(tracked).data.metrics
    ours = json.loads((tracked / "reports/metrics.json").read_text())["metrics"]["log_loss"]["ours"]
    assert [metrics["log_loss"], metrics["log_loss_low"], metrics["log_loss_high"]] == [
        ours["value"],
        ours["low"],
        ours["high"],
    ]
    assert metrics["backtest_mean_log_loss"] == 0.45
    assert "roc_auc_best_baseline_low" in metrics


def test_the_scorecard_is_one_short_row_of_numbers_out_of_the_metrics(tracked: Path) -> None:
    card = json.loads((tracked / "reports/scorecard.json").read_text())
    said = json.loads((tracked / "reports/metrics.json").read_text())["metrics"]
    assert {name: sides["ours"]["value"] for name, sides in said.items()}.items() <= card.items()
    assert card["log_loss_best_baseline"] == said["log_loss"]["best_baseline"]["value"]
    assert len(card) <= 12


def test_curves_are_metrics_with_steps(tracked: Path) -> None:
    run = parent(tracked)
    gain = client(tracked).get_metric_history(run.info.run_id, "gain")
    assert [point.step for point in gain] == list(range(101))
    assert gain[0].value == 0.0
    assert gain[-1].value == 1.0
    bins = client(tracked).get_metric_history(run.info.run_id, "calibration_obs")
    table = pd.read_csv(tracked / "reports/plots/calibration.csv").query("candidate == 'recency_rule'")
    assert [(point.step, point.value) for point in bins] == list(zip(table["bin"], table["observed"], strict=True))


def test_every_candidate_is_a_nested_run_with_its_own_metrics(tracked: Path) -> None:
    run = parent(tracked)
    filter_ = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    children = client(tracked).search_runs([run.info.experiment_id], filter_)
    assert sorted(child.data.params["candidate"] for child in children) == ["logistic", "recency_rule"]
    said = json.loads((tracked / "reports/metrics.json").read_text())["candidates"]
    for child in children:
        assert child.data.metrics["brier"] == said[child.data.params["candidate"]]["brier"]
        assert child.info.status == "FINISHED"


def test_tags_name_the_digests_the_experiment_and_the_model(tracked: Path) -> None:
    tags = parent(tracked).data.tags
    assert tags["dvc.out.data/features/history.parquet"] == "2123456789abcdef0123456789abcdef"
    assert tags["dvc.dep.pipeline/pull.py"] == "0123456789abcdef0123456789abcdef"
    assert tags["dvc.exp"] == "brisk-otter"
    assert tags["model_version"] == Scorer.load(tracked / "data/model").model_version
    assert tags["leakage_proof"] == "passed (2 attempts, 1,736 rows)"
    assert "dvc.dep.data/raw" not in tags
    assert "dvc.out.data/scores.parquet" not in tags


def test_a_dataset_carries_the_digest_of_dvc(tracked: Path) -> None:
    entries = {entry.dataset.name: entry.dataset.digest for entry in parent(tracked).inputs.dataset_inputs}
    assert entries == {"data/features/history.parquet": "2123456789abcdef0123456789abcdef"}


def test_a_run_id_in_the_environment_plays_no_part(tracked: Path) -> None:
    assert parent(tracked).info.run_id != "0" * 32
    assert parent(tracked).info.status == "FINISHED"


def test_the_logged_model_answers_as_the_scorer_does(tracked: Path, tmp_path: Path) -> None:
    run_id = parent(tracked).info.run_id
    rows = pd.DataFrame({COLUMN: [0.0, 33.0, np.nan, 180.0]}).fillna(5.0)
    rows.to_parquet(tmp_path / "rows.parquet")
    script = (
        "import sys, mlflow, pandas as pd\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "model.predict(pd.read_parquet('rows.parquet')).to_parquet('answers.parquet')\n"
        "print(model.metadata.signature.inputs, sys.modules['models.scorer'].__file__)\n"
    )
    environment = store_free_environment() | {"MLFLOW_TRACKING_URI": f"sqlite:///{tracked / 'mlflow.db'}"}
    environment.pop("PYTHONPATH")  # the model brings its own code
    command = [sys.executable, "-c", script, f"runs:/{run_id}/model"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    scorer = Scorer.load(tracked / "data/model")
    answers = pd.read_parquet(tmp_path / "answers.parquet")["churn_probability"].to_numpy()
    assert answers.tolist() == scorer.churn_probability(rows.to_numpy()).tolist()
    assert "double" in done.stdout  # and the code came with the model
    assert str(ROOT) not in done.stdout.split()[-1]


def test_nothing_logged_is_a_pickle(tracked: Path) -> None:
    files = [path for path in tracked.rglob("*") if path.is_file() and "artifacts" in str(path)]
    assert any(path.name == "model.json" for path in files)
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".cloudpickle", ".joblib"}]


def test_reports_are_artifacts(tracked: Path) -> None:
    run_id = parent(tracked).info.run_id
    assert {file.path for file in client(tracked).list_artifacts(run_id, "reports")} >= {
        "reports/metrics.json",
        "reports/backtest.json",
        "reports/plots",
    }


def test_a_dead_server_is_told_at_once_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = entered(tmp_path, monkeypatch)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://clerk:hush@127.0.0.1:{port}")
    started = time.monotonic()
    with pytest.raises(TrackingError, match=r"(?s)training is not lost.*`dvc repro track`") as told:
        track(params)
    assert time.monotonic() - started < 20
    assert "hush" not in str(told.value)
    assert not (tmp_path / "reports/mlflow_run.json").exists()


def test_an_aborted_run_is_marked_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = entered(tmp_path, monkeypatch)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "log_model", stop)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        track(params)
    store = open_store()
    assert [run.info.status for run in store.client.search_runs([store.experiment_id])] == ["FAILED"]
    assert not (tmp_path / "reports/mlflow_run.json").exists()


def test_a_terminated_process_marks_its_run_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered(tmp_path, monkeypatch)
    script = (
        "import runpy, sys, time\n"
        "from pipeline.tracking import runs\n"
        "def slow(*_):\n    print('logging the model', flush=True)\n    time.sleep(60)\n"
        "runs.log_model = slow\n"
        "runpy.run_module('pipeline.track', run_name='__main__')\n"
    )
    environment = store_free_environment() | {"MLFLOW_TRACKING_URI": os.environ["MLFLOW_TRACKING_URI"]}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if "logging the model" in line and "column" not in line:
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    store = open_store()
    assert [run.info.status for run in store.client.search_runs([store.experiment_id])] == ["FAILED"]


def test_three_starts_on_a_fresh_database_all_succeed(tmp_path: Path) -> None:
    script = "from pipeline.tracking.store import open_store; print(open_store().experiment_id)"
    environment = store_free_environment() | {"DVC_ROOT": str(tmp_path)}
    command = [sys.executable, "-c", script]
    started = [
        subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    ended = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ended
    assert {out.strip() for out, _ in ended} == {"1"}


def test_the_default_store_lies_in_the_real_project_not_in_a_temporary_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / ".dvc/tmp/exps/one"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    for uri in (None, "sqlite:///mlflow.db"):
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        if uri:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        assert tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"


def test_the_experiment_opens_in_the_view_for_models(tracked: Path) -> None:
    experiment = client(tracked).get_experiment_by_name(EXPERIMENT)
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_without_a_lock_the_params_of_the_file_are_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = entered(tmp_path, monkeypatch)
    lineage = read_lineage(params, tmp_path / "absent.lock")
    assert lineage.params["snapshots.horizon_days"] == "90"
    assert (lineage.outs, lineage.lock_md5) == ({}, None)
    assert not [name for name in lineage.params if name.startswith(("plan.", "serve.", "pull.sql."))]


def test_the_lock_digest_does_not_move_when_a_later_stage_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = entered(tmp_path, monkeypatch)
    before = read_lineage(params).lock_md5
    lock = tmp_path / "dvc.lock"
    lock.write_text(lock.read_text().replace("reasons: 3", "reasons: 4"))
    assert read_lineage(params).lock_md5 == before
    lock.write_text(lock.read_text().replace("customers: 400", "customers: 401"))
    assert read_lineage(params).lock_md5 != before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://clerk:hush@host:5000/x", "http://clerk:***@host:5000/x"),
        ("postgresql://clerk:hu:sh@host/db", "postgresql://clerk:***@host/db"),
        ("sqlite:////tmp/a.db", "sqlite:////tmp/a.db"),
    ],
)
def test_a_password_in_a_url_is_never_shown(text: str, shown: str) -> None:
    assert without_password(text) == shown


def test_flat_params_join_names_with_dots() -> None:
    assert flat_params({"pull": {"source": "sql", "sql": {"url_env": "X"}, "demo": {"seed": 1}}, "a": {"b": None}}) == {
        "pull.source": "sql",
        "pull.sql.url_env": "X",
        "a.b": "None",
    }
