"""What may come over a network: too much, too slow, too many at once, packed, unreadable, without the right key."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pandas as pd
import psutil
import pytest
import yaml

from benchmarks.schema_cases import run_cases
from serving.settings import API_KEYS
from tests.serving.asking import problem
from tests.serving.events import requests_by_events
from tests.serving.shop import copy_of, free_port, served

pytestmark = pytest.mark.slow
SCORE, TRIGGER = "score-key-of-the-tests", "trigger-key-of-the-tests"
LIMITS = {"max_requests": 3, "body_seconds": 2.0, "max_rows": 5_000}
MOST_MEMORY_BYTES = 120 * 1024 * 1024
JSON = {"content-type": "application/json"}
NAME = "a-customer-nobody-may-read-about"


@pytest.fixture(scope="module")
def home(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of its own with tight limits."""
    copied = copy_of(run, tmp_path_factory.mktemp("bad") / "run")
    tree = yaml.safe_load((copied / "params.yaml").read_text())
    tree["serve"] |= LIMITS
    (copied / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return copied


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[httpx.Client]:
    port = free_port()
    keys = {API_KEYS: f"score:{SCORE},trigger:{TRIGGER}"}
    with served(home, ["-m", "serving.run", "--port", str(port)], port, **keys) as connected:
        connected.headers["Authorization"] = f"Bearer {SCORE}"
        yield connected


def started(client: httpx.Client, length: int = 100) -> socket.socket:
    """A request that has told its length and sent nothing more."""
    sent = socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=20)
    head = f"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SCORE}\r\n"
    sent.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode())
    return sent


def test_a_missing_a_wrong_and_a_lesser_key_are_told_apart(client: httpx.Client) -> None:
    body = {"customers": [{"customer_id": NAME}]}
    for shown in ("", "Bearer wrong", f"Basic {SCORE}"):
        answer = client.post("/v1/score", json=body, headers={"Authorization": shown})
        assert problem(answer, 401).field == "Authorization"
        assert answer.headers["www-authenticate"] == "Bearer"
    refused = problem(client.post("/v1/events", json={"orders": []}), 403)
    assert "needs a key of the role trigger" in refused.detail
    assert client.post("/v1/score", json=body).status_code == 200


def test_a_slow_body_is_given_up(client: httpx.Client) -> None:
    begun = time.monotonic()
    with started(client) as connection:
        connection.sendall(b"{")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"field":"body"' in answer
    assert 1.5 < time.monotonic() - begun < 15


def test_one_request_too_many_is_told_to_come_back(client: httpx.Client) -> None:
    with ExitStack() as waiting:
        for _ in range(LIMITS["max_requests"]):  # type: ignore[call-overload]
            waiting.enter_context(started(client))
        time.sleep(0.5)
        answer = client.post("/v1/score", json={"customers": [{"customer_id": NAME}]})
        assert client.get("/livez").status_code == 200
    assert problem(answer, 429).type == "/problems/busy"
    assert answer.headers["retry-after"] == "1"
    time.sleep(0.5)
    assert client.post("/v1/score", json={"customers": [{"customer_id": NAME}]}).status_code == 200


def test_a_million_events_and_a_bomb_are_refused_in_constant_memory(client: httpx.Client) -> None:
    event = {"event_id": "e1", "occurred_at": "2025-12-15T00:00:00Z", "kind": "session"}
    thousand = (json.dumps(event) + ",").encode() * 1_000

    def million() -> Iterator[bytes]:
        yield b'{"customers": [{"customer_id": "a", "engagement": ['
        for _ in range(1_000):
            yield thousand

    worker = serving_process()
    before = worker.memory_info().rss
    for _ in range(3):
        assert problem(client.post("/v1/score", content=million(), headers=JSON), 413).field == "body"
        rows = b'{"customers": [{"customer_id": "a", "engagement": [' + thousand * 20
        assert problem(client.post("/v1/score", content=rows, headers=JSON), 422).type == "/problems/too-many-rows"
        bomb = gzip.compress(b" " * 200_000_000, compresslevel=1)
        packed = client.post("/v1/score", content=bomb, headers={**JSON, "content-encoding": "gzip"})
        assert problem(packed, 415).field == "Content-Encoding"
    assert worker.memory_info().rss - before < MOST_MEMORY_BYTES


def serving_process() -> psutil.Process:
    workers = [
        one for one in psutil.Process().children(recursive=True) if "_bentoml_impl.worker.service" in command_line(one)
    ]
    return workers[-1]


def command_line(process: psutil.Process) -> list[str]:
    """The words a process was started with; none of one that has ended, whether or not its parent knows."""
    try:
        words: list[str] = process.cmdline()
        return words
    except psutil.NoSuchProcess:
        return []


def test_a_process_that_ended_unnoticed_has_no_command_line() -> None:
    ended = subprocess.Popen(["true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert command_line(psutil.Process(ended.pid)) == []
    ended.wait()


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"customers": [{"customer_id": "\xc3\x28"}]}', b"[" * 100_000])
def test_what_is_not_json_in_utf_8_is_refused(client: httpx.Client, body: bytes) -> None:
    assert problem(client.post("/v1/score", content=body, headers=JSON), 400).field == "body"


@pytest.mark.parametrize("name", ["\\ud800", "\\u0000", "' OR 1=1 --", "a" * 200])
def test_a_strange_id_is_answered_with_a_4xx_or_as_a_stranger(client: httpx.Client, name: str) -> None:
    body = f'{{"customers": [{{"customer_id": "{name}"}}]}}'
    answer = client.post("/v1/score", content=body, headers=JSON)
    assert answer.status_code == 400 or answer.json()["customers"][0]["error"]["status"] == 404


def test_events_out_of_order_are_the_same_events(client: httpx.Client, run: Path) -> None:
    names = pd.read_parquet(run / "data/scores.parquet")["customer_id"].tolist()[:5]
    entries = requests_by_events(run, names)
    turned = [
        {name: list(reversed(value)) if isinstance(value, list) else value for name, value in entry.items()}
        for entry in entries
    ]
    assert turned != entries
    straight, reversed_ = (client.post("/v1/score", json={"customers": each}).json() for each in (entries, turned))
    assert straight == reversed_


@pytest.mark.parametrize("kind", ["application/vnd.bentoml+pickle", "application/octet-stream", "text/plain", "a/b/c"])
def test_nothing_but_json_is_read(client: httpx.Client, kind: str) -> None:
    pickled = b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94."
    answer = client.post("/v1/score", content=pickled, headers={"content-type": kind})
    assert problem(answer, 415).field == "Content-Type"


def test_the_service_tells_nobody_that_it_runs(client: httpx.Client) -> None:
    worker = serving_process()
    assert worker.environ()["BENTOML_DO_NOT_TRACK"] == "True"
    addresses = {one.raddr.ip for one in worker.net_connections() if one.raddr}
    assert addresses <= {"127.0.0.1"}
    assert client.get("/livez").status_code == 200


def test_other_methods_are_refused_with_those_allowed(client: httpx.Client) -> None:
    answer = client.request("TRACE", "/v1/score")
    assert problem(answer, 405).type == "/problems/method"
    assert answer.headers["allow"] == "POST"


def test_made_up_requests_get_no_5xx_and_only_what_is_described(client: httpx.Client) -> None:
    found = run_cases(str(client.base_url).rstrip("/"), 30, "examples,fuzzing", 1, TRIGGER)
    assert found.cases > 150
    assert found.failures == {}, found.text


def test_metrics_count_what_was_refused_and_name_no_customer(client: httpx.Client) -> None:
    told = client.get("/metrics").text
    assert 'rekindle_requests_total{page="/v1/score",status="429"}' in told
    assert "rekindle_model_info{model_version=" in told
    assert NAME not in told
    assert NAME not in client.get(f"/v1/customers/{NAME}").headers.values()
    assert NAME not in client.get("/metrics").text


def test_the_log_holds_no_key_no_customer_and_no_address_of_who_asked(client: httpx.Client, home: Path) -> None:
    assert client.get(f"/v1/customers/{NAME}").status_code == 404
    log = (home / "server.log").read_text()
    assert "Traceback" not in log
    addresses = log.replace(str(client.base_url).rstrip("/"), "")
    assert not [secret for secret in (SCORE, TRIGGER, NAME, "127.0.0.1") if secret in addresses], log
