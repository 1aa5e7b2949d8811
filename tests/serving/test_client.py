"""The Python client against the running service, and the commands of the README."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import httpx
import pandas as pd
import pytest

from serving.client import Client, RefusedError
from serving.openapi import description
from serving.outbox.person import holdout_key, person_of
from serving.requests import Customer, Engagement, Order
from serving.shapes import EventScore, Missing, NightlyScore
from serving.unsubscribe_link import Link, one_click_url
from tests.serving.shop import ROOT, copy_of, free_port, served

ORDER = Order(order_id="1", ordered_at=datetime(2025, 12, 15, tzinfo=UTC), revenue=30.0)
CURL = re.compile(r"^\$ (curl .*)$", flags=re.MULTILINE)


@pytest.fixture(scope="module")
def client(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server on a run of its own, since events are sent to it."""
    home, port = copy_of(run, tmp_path_factory.mktemp("own") / "run"), free_port()
    with served(home, ["-m", "serving.run", "--port", str(port)], port) as connected:
        yield connected


@pytest.fixture(scope="module")
def rekindle(client: httpx.Client) -> Iterator[Client]:
    with Client(str(client.base_url)) as connected:
        yield connected


@pytest.fixture(scope="module")
def scores(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "data/scores.parquet")


def test_it_scores_by_id_and_by_events(rekindle: Client, scores: pd.DataFrame) -> None:
    name, expected = scores[["customer_id", "churn_probability"]].iloc[0]
    answer = rekindle.score([name, Customer(customer_id="new", orders=[ORDER]), "nobody"])
    nightly, events, missing = answer.customers
    assert isinstance(nightly, NightlyScore)
    assert nightly.churn_probability == expected
    assert isinstance(events, EventScore)
    assert isinstance(missing, Missing)
    assert missing.error.field == "customers[2].customer_id"
    assert answer.model_version == scores["model_version"].iloc[0]


def test_it_explains_plans_and_shows_a_customer(rekindle: Client, scores: pd.DataFrame) -> None:
    name = scores["customer_id"].iloc[1]
    assert rekindle.explain([name]).customers[0].customer_id == name
    assert rekindle.plan([name]).dry_run
    assert rekindle.profile(name).customer_id == name


def test_it_sends_events_and_sending_them_again_changes_nothing(rekindle: Client, scores: pd.DataFrame) -> None:
    name = scores["customer_id"].iloc[2]
    visit = Engagement(
        event_id="client-1", customer_id=name, occurred_at=datetime(2026, 1, 1, tzinfo=UTC), kind="session"
    )
    assert rekindle.send(engagement=[visit]).accepted == 1
    assert rekindle.send(engagement=[visit]).duplicate == 1


def test_a_refusal_is_raised_with_its_field(rekindle: Client) -> None:
    with pytest.raises(RefusedError, match="404 No such customer") as raised:
        rekindle.profile("a/b?c")
    assert raised.value.problem.field == "customer_id"


def test_it_knows_whether_the_service_is_ready(rekindle: Client) -> None:
    assert rekindle.is_ready()
    with Client("http://127.0.0.1:9") as nobody:
        assert not nobody.is_ready()


class _BusyOnce(BaseHTTPRequestHandler):
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Authorization"))
        self.send_response(429 if len(self.asked) == 1 else 502)
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(b"<html>a proxy speaks</html>")

    def log_message(self, *_: object) -> None:
        return


def test_it_shows_its_key_comes_back_after_429_and_understands_a_proxys_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REKINDLE_API_KEY", "a-key-that-is-long-enough")
    server = HTTPServer(("127.0.0.1", 0), _BusyOnce)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with (
            Client(f"http://127.0.0.1:{server.server_port}") as client,
            pytest.raises(RefusedError, match="502 Bad Gateway: <html>a proxy speaks"),
        ):
            client.profile("c1")
    finally:
        server.shutdown()
        server.server_close()
    assert _BusyOnce.asked == ["Bearer a-key-that-is-long-enough"] * 2


def test_the_service_describes_itself_as_the_file_does(client: httpx.Client) -> None:
    found = client.get("/openapi.json").json()
    assert found == json.loads((ROOT / "docs/openapi.json").read_text()) | {"info": found["info"]}
    assert found["paths"] == description("any")["paths"]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, id=f"{file.name}: {command[:60]}")
        for file in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        for command in CURL.findall(file.read_text(encoding="utf-8"))
    ],
)
def test_the_curl_commands_of_the_documentation_are_answered(client: httpx.Client, command: str) -> None:
    here = command.replace("localhost:3000", client.base_url.netloc.decode())
    link = one_click_url(
        str(client.base_url), Link("m-1", person_of("c0000001", holdout_key()), "email"), holdout_key()
    )
    assert here != command or "$LINK" in command or "${LINK" in command
    told = subprocess.run(
        ["bash", "-c", f"{here} --write-out '\\n%{{http_code}}'"],
        env={**os.environ, "LINK": link},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    is_cut_off = "${LINK%" in command
    assert told.endswith("\n403" if is_cut_off else "\n200"), told
