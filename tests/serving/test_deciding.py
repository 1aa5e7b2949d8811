"""Trigger and decisions over HTTP, against a real process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from serving.shapes import DecisionShown, TriggerAnswer
from tests.serving.asking import problem
from tests.serving.shop import copy_of, free_port, served

NINE = "2026-01-01T09:00:00Z"


@pytest.fixture(scope="module")
def home(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of(run, tmp_path_factory.mktemp("deciding") / "run")


@pytest.fixture(scope="module")
def endpoint(home: Path) -> Iterator[httpx.Client]:
    port = free_port()
    with served(home, ["-m", "serving.run", "--port", str(port)], port) as connected:
        yield connected


def triggered(endpoint: httpx.Client, key: str | None, **body: object) -> httpx.Response:
    return endpoint.post("/v1/trigger", json=body, headers={} if key is None else {"Idempotency-Key": key})


def counted(home: Path, table: str) -> int:
    with closing(sqlite3.connect(home / "data/inbox.db")) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def test_a_trigger_commits_once_and_a_retry_gives_the_same_bytes(endpoint: httpx.Client, home: Path) -> None:
    first = triggered(endpoint, "night-1", as_of=NINE)
    answer = TriggerAnswer.model_validate_json(first.content)
    assert first.status_code == 200
    assert answer.messages == counted(home, "messages") > 50
    assert answer.customers == counted(home, "decisions")
    again = triggered(endpoint, "night-1", as_of=NINE)
    assert (again.status_code, again.content) == (200, first.content)
    assert counted(home, "runs") == 1


def test_a_key_of_another_body_and_no_key_are_refused(endpoint: httpx.Client, home: Path) -> None:
    triggered(endpoint, "night-1", as_of=NINE)
    other = problem(triggered(endpoint, "night-1", as_of="2026-01-01T10:00:00Z"), 422)
    assert (other.type, other.field) == ("/problems/other-request", "Idempotency-Key")
    for key in (None, "", "k" * 201):
        missing = problem(triggered(endpoint, key, as_of=NINE), 400)
        assert (missing.type, missing.field) == ("/problems/no-idempotency-key", "Idempotency-Key")
        assert "Idempotency-Key" in missing.detail
    assert counted(home, "runs") == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"customer": ["c1"]}, 422, "customer"),
        ({"customers": []}, 422, "customers"),
        ({"customers": ["nobody"]}, 404, "customers"),
        ({"as_of": "2025-01-01T00:00:00Z"}, 422, "as_of"),
        ({"as_of": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, 422, "as_of"),
    ],
)
def test_a_wrong_request_names_its_field(
    endpoint: httpx.Client, body: dict[str, object], status: int, field: str
) -> None:
    assert problem(triggered(endpoint, f"wrong-{field}-{status}", **body), status).field == field


def test_a_committed_decision_is_shown_whole(endpoint: httpx.Client, home: Path) -> None:
    triggered(endpoint, "night-1", as_of=NINE)
    with closing(sqlite3.connect(home / "data/inbox.db")) as connection:
        names = [name for (name,) in connection.execute("SELECT decision_id FROM decisions LIMIT 40")]
    for name in names:
        shown = DecisionShown.model_validate_json(endpoint.get(f"/v1/decisions/{name}").content)
        assert shown.decision.decision_id == name
        assert shown.replay.same_bytes
    assert problem(endpoint.get("/v1/decisions/d-none"), 404).field == "decision_id"


def test_pages_are_counted_without_their_ids(endpoint: httpx.Client) -> None:
    endpoint.get("/v1/decisions/d-none")
    told = endpoint.get("/metrics").text
    assert 'page="/v1/decisions/{decision_id}"' in told
    assert "d-none" not in told


def test_a_database_that_breaks_down_decides_nothing(endpoint: httpx.Client, home: Path) -> None:
    with closing(sqlite3.connect(home / "data/inbox.db")) as connection:
        connection.execute("ALTER TABLE suppressions RENAME TO elsewhere")
    try:
        told = triggered(endpoint, "night-2", as_of="2026-01-02T09:00:00Z")
        assert problem(told, 503).type == "/problems/not-decided"
        assert told.headers["Retry-After"] == "1"
    finally:
        with closing(sqlite3.connect(home / "data/inbox.db")) as connection:
            connection.execute("ALTER TABLE elsewhere RENAME TO suppressions")
    assert triggered(endpoint, "night-2", as_of="2026-01-02T09:00:00Z").status_code == 200
