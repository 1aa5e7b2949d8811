"""The whole loop as a person runs it: `dvc repro` on a small demo shop in a fresh checkout, real DVC and MLflow."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[1]
STAGES = ["pull", "check", "featurize", "train", "evaluate", "track", "promote", "score", "plan", "report"]
TRACKING_IDS = {"reports/mlflow_run.json"}

pytestmark = pytest.mark.slow


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DVC_", "GIT_"))}
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    people = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {**kept, **people, "PATH": paths, "DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


def run(project: Path, *command: str, code: int = 0) -> str:
    """Run a command in the project and return all it printed."""
    done = subprocess.run(
        command,
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def ran(output: str) -> list[str]:
    return re.findall(r"Running stage '(\w+)'", output)


def change(project: Path, section: str, key: str, value: object) -> None:
    path = project / "params.yaml"
    tree = yaml.safe_load(path.read_text())
    tree[section][key] = value
    path.write_text(yaml.safe_dump(tree, sort_keys=False))


def hashes(project: Path) -> dict[str, str]:
    """Path to content hash, of every output in dvc.lock but the tracking ids."""
    stages = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    outs = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", ())}
    return {path: md5 for path, md5 in outs.items() if path not in TRACKING_IDS}


def checkout(folder: Path) -> Path:
    """The project's files, small params, committed; nothing that git ignores comes along."""
    listed = run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    tree = yaml.safe_load((folder / "params.yaml").read_text())
    tree["pull"]["demo"]["customers"] = 2500
    tree["snapshots"]["max_cutoffs"] = 9
    tree["train"]["candidates"] = ["recency_rule", "logistic", "xgboost"]
    tree["train"]["origins"] = 1
    tree["train"]["xgboost"]["rounds"] = 40
    tree["train"]["tuning"] |= {"trials": 1, "rows": 3000}  # the settings of params alone: a change of them shows
    tree["evaluate"]["resamples"] = 40
    (folder / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    run(folder, "git", "init", "--quiet", "--initial-branch=main")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message=start")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the pipeline has run once."""
    folder = checkout(tmp_path_factory.mktemp("shop") / "project")
    assert ran(run(folder, "dvc", "repro")) == STAGES
    return folder


@pytest.fixture(autouse=True)
def _as_it_was(project: Path) -> None:
    """Each test starts from the finished run, whatever the one before it did."""
    if run(project, "git", "status", "--porcelain", "--", "params.yaml"):
        run(project, "git", "checkout", "--quiet", "--", "params.yaml")
        run(project, "dvc", "repro")


def test_a_second_repro_does_nothing(project: Path) -> None:
    output = run(project, "dvc", "repro")
    assert ran(output) == []
    assert "Data and pipelines are up to date." in output


def test_every_customer_of_today_has_a_score_and_every_scored_one_a_row_in_the_plan(project: Path) -> None:
    current = pd.read_parquet(project / "data/features/current.parquet", columns=["customer_id"])
    scores, plan = (pd.read_parquet(project / f"data/{name}.parquet") for name in ("scores", "plan"))
    assert set(scores["customer_id"]) == set(current["customer_id"])
    assert scores["churn_probability"].between(0, 1).all()
    assert sorted(plan["customer_id"]) == sorted(scores["customer_id"])
    assert (plan["action"].isna() == plan["gate"].notna()).all()


def test_changing_the_policy_reruns_only_what_depends_on_it(project: Path) -> None:
    before = hashes(project)
    change(project, "plan", "control_share", 0.3)
    assert ran(run(project, "dvc", "repro")) == ["plan", "report"]
    assert hashes(project)["data/plan.parquet"] != before["data/plan.parquet"]
    assert hashes(project)["data/scores.parquet"] == before["data/scores.parquet"]


def test_another_model_reruns_nothing_before_train_and_after_a_rollback_the_one_before_scores(project: Path) -> None:
    before = scored_by(project)
    change(project, "train", "logistic", {"l2": 90.0})  # whichever of the two is chosen
    change(project, "train", "seed", 8)
    change(project, "promote", "max_segment_gap", 1.0)  # so few customers have groups of a handful
    stages = ran(run(project, "dvc", "repro"))
    assert stages[:2] == ["train", "evaluate"]
    assert not {"pull", "check", "featurize"} & set(stages)
    newer = scored_by(project)
    assert newer != before

    assert f"{before} is in force again" in run(project, sys.executable, "-m", "pipeline.promote", "--rollback")
    assert ran(run(project, "dvc", "repro", "score")) == ["promote", "score"]
    gate = json.loads((project / "reports/gate.json").read_text())
    assert (gate["promoted"], gate["challenger"], gate["in_force"]) == (False, newer, before)
    assert [check["name"] for check in gate["checks"] if not check["ok"]] == ["not_withdrawn"]
    assert scored_by(project) == before
    assert ran(run(project, "dvc", "repro", "score")) == []


def scored_by(project: Path) -> str:
    """The one model that scored everybody of today."""
    scores = pd.read_parquet(project / "data/scores.parquet", columns=["model_version"])
    return str(scores["model_version"].unique().item())


def test_a_forced_repro_gives_the_same_hashes_also_in_another_folder(project: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(project, moved)
    assert ran(run(moved, "dvc", "repro", "--force")) == STAGES
    assert hashes(moved) == hashes(project)


def test_a_queued_experiment_leaves_its_run_in_the_real_store(project: Path) -> None:
    before = tracked_experiments(project)
    run(project, "dvc", "exp", "run", "--queue", "--name", "surer", "--set-param", "evaluate.resamples=50")
    run(project, "dvc", "exp", "run", "--run-all")
    assert tracked_experiments(project) - before == {"surer"}
    assert "surer" in run(project, "dvc", "exp", "show", "--csv")


def tracked_experiments(project: Path) -> set[str]:
    code = (
        "import mlflow; mlflow.set_tracking_uri('sqlite:///mlflow.db');"
        "runs = mlflow.search_runs(search_all_experiments=True, output_format='list');"
        "print('EXPERIMENTS', *{run.data.tags.get('dvc.exp', '') for run in runs})"
    )
    output = run(project, sys.executable, "-c", code)
    return set(output.rpartition("EXPERIMENTS")[2].split())


def test_metrics_plots_and_the_graph_say_something(project: Path) -> None:
    assert "roc_auc" in run(project, "dvc", "metrics", "show")
    assert "index.html" in run(project, "dvc", "plots", "show")
    graph = run(project, "dvc", "dag")
    assert all(stage in graph for stage in STAGES)


def test_a_pipeline_killed_in_the_middle_recovers_by_the_next_repro(project: Path) -> None:
    change(project, "features", "half_lives_days", [7, 60])
    process = subprocess.Popen(
        ["dvc", "repro", "featurize"],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        assert any(" customers in " in line for line in process.stdout)
        os.killpg(process.pid, signal.SIGKILL)
    assert not (project / "data/features/history.parquet").exists()
    assert ran(run(project, "dvc", "repro", "featurize")) == ["featurize"]
    assert "orders_decayed_7d" in pd.read_parquet(project / "data/features/history.parquet")


def test_a_full_disk_is_said_and_leaves_nothing_half(project: Path) -> None:
    history = project / "data/features/history.parquet"
    before = history.read_bytes()

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = subprocess.run(
        [sys.executable, "-m", "pipeline.featurize"],
        cwd=project,
        env=environment(),
        preexec_fn=small_disk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.search(r"featurize: .*Free space or mend the path, then run `dvc repro` again\.", done.stderr)
    assert "Traceback" not in done.stderr
    assert history.read_bytes() == before
    left = {path.name for path in history.parent.iterdir()} - {".gitignore"}
    assert left == {"catalogue.json", "current.parquet", "history.parquet"}


def test_a_dead_tracking_server_costs_no_training(project: Path) -> None:
    command = ["dvc", "repro", "--force", "--single-item", "track"]
    dead = {**environment(), "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    done = subprocess.run(command, cwd=project, env=dead, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "tracking" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout
    assert (project / "data/model/model.json").exists()
    assert "train" not in ran(run(project, "dvc", "repro"))


def test_a_fault_in_the_params_stops_before_anything_is_touched(project: Path) -> None:
    before = hashes(project)
    change(project, "snapshots", "horizon_day", 30)
    output = run(project, sys.executable, "-m", "pipeline.featurize", code=1)
    assert "snapshots.horizon_day: unknown key; did you mean horizon_days?" in output
    assert "Traceback" not in output
    assert hashes(project) == before


def test_the_gate_and_the_run_tell_the_same_story(project: Path) -> None:
    gate = json.loads((project / "reports/gate.json").read_text())
    model = json.loads((project / "data/champion/model.json").read_text())
    scores = pd.read_parquet(project / "data/scores.parquet", columns=["model_version"])
    assert gate["promoted"]
    assert gate["challenger"] == model["model_version"] == scores["model_version"].unique().item()
