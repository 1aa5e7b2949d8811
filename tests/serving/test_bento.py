"""The built Bento: what is in it, and that it serves without the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest
import yaml

from tests.serving.events import requests_by_events
from tests.serving.shop import ROOT, free_port, served, write_run

pytestmark = pytest.mark.slow
NEVER = {"pandas", "sklearn", "scipy", "mlflow", "dvc", "xgboost", "pyarrow", "duckdb", "pipeline"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a thousand customers to score."""
    home = tmp_path_factory.mktemp("run")
    write_run(home, customers=1_950)
    return home


@pytest.fixture(scope="module")
def bento(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bentoml build` in a copy of the project that holds the small run's model and store."""
    project = tmp_path_factory.mktemp("project")
    for name in ("features", "models", "serving"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mine.py", "ours/baskets.py"):
        (project / "features" / name).parent.mkdir(exist_ok=True)
        (project / "features" / name).write_text('"""The shop\'s own features."""\n', encoding="utf-8")
    shutil.copyfile(ROOT / "bentofile.yaml", project / "bentofile.yaml")
    shutil.copyfile(run / "params.yaml", project / "params.yaml")
    shutil.copytree(run / "data", project / "data")
    home = tmp_path_factory.mktemp("bentoml")
    known = {**os.environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}
    command = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    built = subprocess.run(command, cwd=project, env=known, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    shutil.rmtree(project)
    (folder,) = (path.parent for path in home.glob("bentos/churn_service/*/bento.yaml"))
    return folder


@pytest.fixture(scope="module")
def client(bento: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The Bento served from an empty folder, with nothing of the repository on the path."""
    port, elsewhere = free_port(), tmp_path_factory.mktemp("elsewhere")
    command = ["-m", "bentoml", "serve", str(bento), "--port", str(port)]
    with served(elsewhere, command, port, PYTHONPATH="", REKINDLE_HOME="") as connected:
        yield connected


def test_the_bento_says_which_model_it_holds(bento: Path, run: Path) -> None:
    labels = yaml.safe_load((bento / "bento.yaml").read_text())["labels"]
    assert labels["model_version"] == pd.read_parquet(run / "data/scores.parquet")["model_version"].iloc[0]
    assert labels["horizon_days"] == "90"


def test_the_bento_holds_only_what_serving_needs(bento: Path) -> None:
    held = {path.relative_to(bento / "src").parts[0] for path in (bento / "src").rglob("*") if path.is_file()}
    assert held == {"features", "models", "serving", "data", "params.yaml", "bentofile.yaml"}
    data = {str(path.relative_to(bento / "src/data")) for path in (bento / "src/data").rglob("*") if path.is_file()}
    assert data == {"serving.db", "champion/model.json", "champion/trees.onnx", "champion/trees.ubj"}


def test_the_bento_holds_the_shops_own_feature_modules(bento: Path) -> None:
    features = bento / "src/features"
    assert (features / "mine.py").exists()
    assert (features / "ours/baskets.py").exists()
    assert (features / "families/site.py").exists()
    assert not (features / "tables.py").exists()


def test_the_bento_asks_for_the_packages_of_the_serve_extra() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["serve"]
    assert yaml.safe_load((ROOT / "bentofile.yaml").read_text())["python"]["packages"] == extra


def test_a_thousand_customers_have_the_nightly_score_by_id_and_by_events(client: httpx.Client, run: Path) -> None:
    nightly = pd.read_parquet(run / "data/scores.parquet").set_index("customer_id")["churn_probability"].head(1_000)
    names = nightly.index.tolist()
    assert (len(names), nightly.nunique() > 500) == (1_000, True)
    by_id = scored(client, [{"customer_id": name} for name in names])
    assert by_id == nightly.tolist()
    by_events = scored(client, requests_by_events(run, names))
    assert by_events == pytest.approx(nightly.tolist(), abs=1e-6)


def scored(client: httpx.Client, entries: list[dict[str, object]]) -> list[float]:
    found: list[float] = []
    for start in range(0, len(entries), 100):
        answer = client.post("/v1/score", json={"customers": entries[start : start + 100]})
        found += [entry["churn_probability"] for entry in answer.json()["customers"]]
    return found


def test_the_bento_plans_and_scores_events(client: httpx.Client) -> None:
    orders = [{"order_id": "1", "ordered_at": "2025-12-15T00:00:00Z", "revenue": 30.0}]
    body = {"customers": [{"customer_id": "new", "orders": orders}]}
    assert 0 < client.post("/v1/score", json=body).json()["customers"][0]["churn_probability"] < 1
    assert client.post("/v1/plan", json=body).json()["decisions"][0]["gate"] == "no_consent"


def test_the_serving_process_loads_no_training_library(bento: Path) -> None:
    code = (
        "import sys, bentoml, serving.service as service\n"
        "from serving import answers, planner, requests\n"
        "desk = service.ChurnService.inner().champions.desk\n"
        'body = b\'{"customers": [{"customer_id": "a", "orders": [{"order_id": "1", '
        '"ordered_at": "2025-12-01T00:00:00Z", "revenue": 3.0}]}]}\'\n'
        "answers.score(desk, requests.ScoreRequest.model_validate_json(body))\n"
        "planner.plan(desk, requests.PlanRequest.model_validate_json(body))\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=bento / "src", env=known, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    loaded = set(ran.stdout.split())
    assert {"serving", "features", "models", "onnxruntime"} <= loaded
    assert not loaded & NEVER
