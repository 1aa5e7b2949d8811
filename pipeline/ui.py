"""`make ui`: our front page and report, and MLflow behind them in its view for models; one process, on loopback."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from features.errors import ConfigError
from pipeline import paths
from pipeline.params import Params
from pipeline.stage import progress, run_stage
from pipeline.tracking.store import open_store, tracking_uri, without_password
from pipeline.ui_guard import PREFIX, Application, Guard
from pipeline.ui_page import RUNS_COMPARED, front_page

PORT_VARIABLE, PORT = "REKINDLE_UI_PORT", 5000
HOST = "127.0.0.1"
# MLflow's bare address opens its pages for chat applications; this one compares runs.
COMPARE = "#/experiments/{experiment}/runs?workflowType=machine_learning&compareRunsMode=CHART"
START = """<style>[data-assistant-ui] { display: none !important; }</style><script>
for (const [key, value] of [["mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true"],
                            ["mlflow.assistant.panelOpen_v1", "false"],
                            ["mlflow.workflowType_v1", '"machine_learning"']]) localStorage.setItem(key, value);
if (location.hash.length < 3) location.hash = COMPARE;
</script>"""
# What a churn team never needs of MLflow's server, beside what the guard refuses.
QUIET = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_ENABLE_AI_GATEWAY": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_REMOTE_ASSISTANT": "false",
    "_MLFLOW_IN_JOB_EXECUTOR": "false",
}


def ui(params: Params) -> str:  # noqa: ARG001  as every entry point, so that faults in params.yaml are told first
    """Serve until interrupted."""
    listening = listen(wanted_port())
    port = int(listening.getsockname()[1])
    app = application(port)
    print(f"ui: open http://{HOST}:{port}  (Ctrl-C ends it)", flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False))
    server.run(sockets=[listening])
    return "ended"


def wanted_port() -> int:
    """From the environment, else 5000; raises ConfigError when it is no port."""
    text = os.environ.get(PORT_VARIABLE, str(PORT))
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ConfigError(f"{PORT_VARIABLE} is {text!r}; give a port number from 1 to 65535, such as {PORT}.")
    return int(text)


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; raises ConfigError when the port is taken."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"port {port} on {HOST} cannot be opened ({error.strerror}): another program holds it. "
            f"End that one, or choose another port: {PORT_VARIABLE}={port + 1} make ui"
        ) from error
    return listening


def application(port: int) -> Guard:
    """Our pages and, when the tracking store is a database, MLflow's own application behind the guard."""
    uri = tracking_uri()
    is_remote = uri.startswith(("http://", "https://"))
    progress(f"tracking store {without_password(uri)}")
    experiment = open_store().experiment_id
    address = without_password(uri).rstrip("/") if is_remote else PREFIX
    compare = f"{address}/{COMPARE.format(experiment=experiment)}"
    return Guard(pages(compare, is_remote), None if is_remote else mlflow_application(uri), port)


def pages(compare: str, is_remote: bool) -> Application:
    """The front page, the report, a short address for the comparison, and MLflow's page as we open it."""

    def front(_: Request) -> Response:
        return HTMLResponse(front_page(compare))

    def report(_: Request) -> Response:
        return _file(paths.REPORT)

    def catalogue(_: Request) -> Response:
        return _file(paths.CATALOGUE_PAGE)

    def runs_compared(_: Request) -> Response:
        return _file(RUNS_COMPARED, "make compare")

    def comparison(_: Request) -> Response:
        return RedirectResponse(compare)

    def mlflow_page(_: Request) -> Response:
        return HTMLResponse(opened_on_runs(compare))

    routes = [Route("/", front), Route("/report", report), Route("/compare", comparison)]
    routes.append(Route(f"/{paths.CATALOGUE_PAGE.name}", catalogue))  # the name the report links to
    routes.append(Route(f"/{RUNS_COMPARED.name}", runs_compared))
    embedded = [] if is_remote else [Route(f"{PREFIX}/", mlflow_page)]
    return cast("Application", Starlette(routes=routes + embedded))


def _file(path: Path, made_by: str = "make run") -> Response:
    if not path.exists():
        return PlainTextResponse(f"{path} is not there yet; run `{made_by}`.\n", 404)
    return FileResponse(path, media_type="text/html")


def opened_on_runs(compare: str) -> str:
    """MLflow's page, told before it starts: the view for models, the runs, and no panel of the assistant."""
    import mlflow.server  # takes seconds, and reads the environment

    page = Path(str(mlflow.server.app.static_folder)) / "index.html"
    start = START.replace("COMPARE", json.dumps(compare.partition("#")[2]))
    return page.read_text(encoding="utf-8").replace("<head>", f"<head>{start}", 1)


def mlflow_application(uri: str) -> Application:
    """MLflow's ASGI application below its prefix, told where the store is as its own command line would."""
    os.environ |= QUIET | {
        "_MLFLOW_SERVER_FILE_STORE": uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": (paths.project_root() / "mlartifacts").as_uri(),
        "_MLFLOW_STATIC_PREFIX": PREFIX,
    }
    from mlflow.server.fastapi_app import app

    return cast("Application", app)


if __name__ == "__main__":
    run_stage("ui", ui)
