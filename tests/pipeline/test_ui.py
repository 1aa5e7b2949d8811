"""`make ui` over real HTTP: our pages, MLflow's comparison through them, and nothing else of MLflow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from features.errors import ConfigError
from pipeline.files import write_json
from pipeline.ui import listen, wanted_port
from pipeline.ui_guard import PREFIX, is_open
from pipeline.ui_page import front_page
from tests.pipeline.tracking_project import ROOT, project, store_free_environment, store_uri

ROUTES = """
import json, os
os.environ["_MLFLOW_STATIC_PREFIX"] = "/mlflow"
from mlflow.server import app as flask
from mlflow.server.fastapi_app import app
included = [route for route in app.routes if hasattr(route, "effective_candidates")]
native = [entry.path for route in included for entry in route.effective_candidates()]
print(json.dumps({"flask": [rule.rule for rule in flask.url_map.iter_rules()], "native": native}))
"""


@dataclass(frozen=True)
class Page:
    """A running `make ui`."""

    folder: Path
    port: int
    experiment: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=60)

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        return httpx.post(f"http://127.0.0.1:{self.port}{path}", json=body, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of a project with one tracked run, started as `make ui` starts it."""
    folder = tmp_path_factory.mktemp("ui")
    project(folder)
    (folder / "dvc.yaml").write_bytes((ROOT / "dvc.yaml").read_bytes())
    (folder / "reports/report.html").write_text("<!doctype html><title>The report</title>")
    environment = store_free_environment() | {"MLFLOW_TRACKING_URI": store_uri(folder), "REKINDLE_UI_PORT": "0"}
    subprocess.run([sys.executable, "-m", "pipeline.track"], cwd=folder, env=environment, check=True, timeout=120)
    command = [sys.executable, "-u", "-m", "pipeline.ui"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = re.search(r"http://127\.0\.0\.1:(\d+)", "".join(iter_until(process, "ui: open")))
        assert said
        told = json.loads((folder / "reports/mlflow_run.json").read_text())
        yield Page(folder, int(said[1]), told["experiment_id"])
        process.terminate()
        process.wait(30)


def iter_until(process: subprocess.Popen[str], wanted: str) -> Iterator[str]:
    assert process.stdout
    for line in process.stdout:
        yield line
        if wanted in line:
            return


def test_the_front_page_links_to_report_comparison_and_endpoint(page: Page) -> None:
    answer = page.get("/")
    assert answer.status_code == 200
    assert 'href="/report"' in answer.text
    assert 'href="/catalogue.html"' in answer.text
    assert (
        f"#/experiments/{page.experiment}/runs?workflowType=machine_learning&amp;compareRunsMode=CHART" in answer.text
    )
    assert "http://127.0.0.1:3000" in answer.text
    assert "<script" not in answer.text


def test_the_front_page_shows_the_metrics_with_interval_and_baseline(page: Page) -> None:
    metrics = json.loads((page.folder / "reports/metrics.json").read_text())["metrics"]["roc_auc"]
    ours = metrics["ours"]
    row = re.search(r"<td>AUC</td>.*?</tr>", page.get("/").text, re.DOTALL)
    assert row
    for value in (*ours.values(), metrics["best_baseline"]["value"]):
        assert f"{value:.3f}" in row[0]
    assert metrics["best_baseline"]["name"] in row[0]


def test_the_report_is_served(page: Page) -> None:
    assert "The report" in page.get("/report").text


def test_the_feature_catalogue_is_served_under_the_name_the_report_links_to(page: Page) -> None:
    missing = page.get("/catalogue.html")
    assert (missing.status_code, "not there yet" in missing.text) == (404, True)
    (page.folder / "reports/catalogue.html").write_text("<!doctype html><title>The features</title>")
    assert "The features" in page.get("/catalogue.html").text


def test_the_page_of_two_runs_is_linked_and_served_once_it_is_made(page: Page) -> None:
    assert "not made yet: make compare" in page.get("/").text
    missing = page.get("/compare.html")
    assert (missing.status_code, missing.text) == (404, "reports/compare.html is not there yet; run `make compare`.\n")
    (page.folder / "reports/compare.html").write_text("<!doctype html><title>Two runs</title>")
    assert 'href="/compare.html"' in page.get("/").text
    assert "Two runs" in page.get("/compare.html").text


def test_runs_are_found_through_the_page(page: Page) -> None:
    found = page.post(f"{PREFIX}/ajax-api/2.0/mlflow/runs/search", {"experiment_ids": [page.experiment]})
    assert found.status_code == 200
    run_id = json.loads((page.folder / "reports/mlflow_run.json").read_text())["run_id"]
    assert run_id in {run["info"]["run_id"] for run in found.json()["runs"]}


def test_mlflow_opens_on_the_runs_and_its_files_are_served(page: Page) -> None:
    opened = page.get(f"{PREFIX}/").text
    assert f"/experiments/{page.experiment}/runs?workflowType=machine_learning" in opened
    script = re.search(r'src="(static-files/static/js/main[^"]+)"', opened)
    assert script
    assert page.get(f"{PREFIX}/{script[1]}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/mlflow/ajax-api/3.0/mlflow/assistant/config"),
        ("PUT", "/mlflow/ajax-api/3.0/mlflow/assistant/config"),
        ("POST", "/mlflow/ajax-api/3.0/mlflow/assistant/message"),
        ("GET", "/mlflow/ajax-api/3.0/mlflow/assistant/sessions/1/stream"),
        ("POST", "/mlflow/ajax-api/3.0/mlflow/assistant/skills/install"),
        ("GET", "/mlflow//ajax-api/3.0/mlflow/assistant/config"),
        ("GET", "/mlflow/ajax-api/3.0/mlflow/%61ssistant/config"),
        ("GET", "/mlflow/ajax-api/3.0/mlflow/runs/../assistant/config"),
        ("GET", "/mlflow/static-files/../ajax-api/3.0/mlflow/assistant/config"),
        ("GET", "/ajax-api/3.0/mlflow/assistant/config"),
        ("POST", "/mlflow/gateway/mlflow/v1/chat/completions"),
        ("GET", "/mlflow/ajax-api/2.0/mlflow/gateway-proxy"),
        ("GET", "/mlflow/ajax-api/3.0/mlflow/gateway/secrets/list"),
        ("POST", "/mlflow/ajax-api/3.0/jobs/"),
        ("POST", "/mlflow/ajax-api/2.0/mlflow/runs/create-promptlab-run"),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/x"),
    ],
)
def test_the_assistant_the_gateway_and_the_jobs_are_not_there(page: Page, method: str, path: str) -> None:
    # httpx would tidy the path; this one is sent as it stands.
    url = httpx.URL(f"http://127.0.0.1:{page.port}/").copy_with(raw_path=path.encode())
    answer = httpx.request(method, url, json={} if method != "GET" else None, timeout=30)
    assert answer.status_code == 404


def test_of_all_routes_of_mlflow_only_those_for_comparing_runs_are_open(page: Page) -> None:
    environment = store_free_environment()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ROUTES], env=environment, capture_output=True, text=True, timeout=120
    )
    routes = json.loads(done.stdout.splitlines()[-1])
    assert len(routes["flask"]) > 200
    assert any("assistant" in path for path in routes["native"])
    concrete = {re.sub(r"[<{][^>}]*[>}]", "x", path) for path in [*routes["flask"], *routes["native"]]}
    opened = {path for path in concrete if is_open(path)}
    asked = r"assistant|gateway|jobs|promptlab|invo|scorer|mcp|otel|v1/traces|webhook|optimization|demo|review-queue"
    assert not [path for path in opened if re.search(asked, path)]
    assert f"{PREFIX}/ajax-api/2.0/mlflow/runs/search" in opened
    resources = {re.sub(r".*/mlflow/", "", path).split("/")[0] for path in opened if "api/" in path}
    assert resources <= {
        "artifacts",
        "experiments",
        "logged-models",
        "metrics",
        "model-versions",
        "registered-models",
        "runs",
        "server-info",
        "ui-telemetry",
    }


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1.evil.example:{port}"])
@pytest.mark.parametrize(
    "path", ["/", "/mlflow/health", "/mlflow/ajax-api/2.0/mlflow/experiments/search?max_results=1"]
)
def test_a_foreign_host_is_refused(page: Page, host: str, path: str) -> None:
    assert page.get(path, Host=host.format(port=page.port)).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"])
def test_a_request_of_another_site_is_refused(page: Page, origin: str) -> None:
    path = f"{PREFIX}/ajax-api/2.0/mlflow/runs/search"
    body = {"experiment_ids": [page.experiment]}
    assert page.post(path, body, Origin=origin.format(port=page.port)).status_code == 403
    assert page.post(path, body, Origin=f"http://127.0.0.1:{page.port}").status_code == 200
    assert page.get("/", **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}).status_code == 403


def test_a_link_from_another_site_still_opens_the_page(page: Page) -> None:
    assert page.get("/", **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_a_taken_port_says_which_and_what_to_do() -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port} .*REKINDLE_UI_PORT={port + 1} make ui"):
            listen(port)


def test_only_loopback_is_listened_on() -> None:
    with listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("port", ["http", "70000", "-1", ""])
def test_a_port_that_is_none_is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REKINDLE_UI_PORT", port)
    with pytest.raises(ConfigError, match=rf"REKINDLE_UI_PORT is '{port}'; give a port number"):
        wanted_port()


def test_the_front_page_opens_before_anything_has_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    html = front_page("/compare")
    assert "None yet. Run <code>make run</code>." in html
    assert "Gate" not in html


def test_a_stage_whose_output_is_missing_has_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stages = {"pull": {"outs": ["a.txt"]}, "check": {"outs": ["b.txt"], "metrics": [{"c.txt": {"cache": False}}]}}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    Path("a.txt").touch()
    Path("b.txt").touch()
    assert re.findall(r"<td>(\w+)</td><td class=\"(\w*)\">([^<]+)", front_page("/"))[1] == ("check", "no", "not run")
    Path("c.txt").touch()
    year = time.strftime("%Y", time.gmtime())
    assert "not run" not in front_page("/")
    assert year in front_page("/")


def test_names_from_files_are_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_json(Path("reports/gate.json"), {"challenger": "<script>", "promoted": False, "reason": "r", "checks": []})
    assert "&lt;script&gt;" in front_page("/")
