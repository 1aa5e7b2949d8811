"""Reports of a provider over HTTP, without a key: signed and fresh, they count once, and what follows stands."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest
import sqlalchemy as sa
import standardwebhooks
from sqlalchemy.engine import Engine

from serving.inbox.database import INBOX_URL, open_database
from serving.outbox.lists import blocked
from serving.outbox.person import person_of
from serving.outbox.tables import MESSAGES, OUTCOMES
from serving.settings import API_KEYS
from serving.shapes import ProblemDetails, WebhookAnswer
from serving.webhooks import secret_variable
from tests.serving.one_message import KEY, add_message
from tests.serving.outbox_rows import touches
from tests.serving.shop import copy_of, free_port, served
from tests.serving.test_unsubscribe_page import PROXIED, events_of

SECRET = "whsec_" + base64.b64encode(b"a secret of the provider").decode()
OTHER = "whsec_" + base64.b64encode(b"a secret of someone else").decode()


@pytest.fixture(scope="module")
def home(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of(run, tmp_path_factory.mktemp("outcomes") / "run")


@pytest.fixture(scope="module")
def engine(home: Path) -> Engine:
    return open_database(f"sqlite:///{home / 'data/inbox.db'}")


@pytest.fixture(scope="module")
def client(home: Path, engine: Engine) -> Iterator[httpx.Client]:
    port = free_port()
    known = {API_KEYS: "score-key-0123456789", secret_variable("mailer"): SECRET}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(INBOX_URL, raising=False)
        with served(home, ["-m", "serving.run", "--port", str(port)], port, **known) as connected:
            yield connected


def body(kind: str, message_id: str, **data: object) -> dict[str, object]:
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    return {"type": f"message.{kind}", "timestamp": at, "data": {"message_id": message_id, "campaign": 7, **data}}


def report(
    client: httpx.Client,
    content: object,
    name: str,
    secret: str = SECRET,
    at: datetime | None = None,
    to: str = "mailer",
) -> httpx.Response:
    text, now = orjson.dumps(content).decode(), at or datetime.now(UTC)
    headers = {
        **PROXIED,
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(secret).sign(name, now, text),
    }
    return client.post(f"/v1/webhooks/{to}", content=text, headers=headers)


def result(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return WebhookAnswer.model_validate_json(answer.content).result


def reasons(engine: Engine, customer_id: str, channel: str) -> list[str]:
    with engine.connect() as connection:
        return list(blocked(connection, [person_of(customer_id, KEY)], channel).values())


@pytest.mark.parametrize(
    ("kind", "event", "email", "sms"),
    [
        ("delivered", "email_sent", [], []),
        ("opened", "email_open", [], []),
        ("clicked", "email_click", [], []),
        ("bounced", None, ["bounced"], []),
        ("complained", "spam_complaint", ["complained"], ["complained"]),
        ("unsubscribed", "unsubscribe", ["unsubscribed"], ["unsubscribed"]),
    ],
)
def test_each_kind_has_its_event_and_its_suppression(
    client: httpx.Client, home: Path, engine: Engine, kind: str, event: str | None, email: list[str], sms: list[str]
) -> None:
    message = add_message(home, kind, state="sent")
    assert result(report(client, body(kind, message), f"id-{kind}")) == "accepted"
    found = events_of(home, kind)
    assert [row["kind"] for row in found] == ([] if event is None else [event])
    assert all(row["subject"] == f"follow_up:{message}" and row["occurred_at"] < row["known_at"] for row in found)  # type: ignore[operator]
    assert (reasons(engine, kind, "email"), reasons(engine, kind, "sms")) == (email, sms)


def test_a_replay_is_answered_and_changes_nothing(client: httpx.Client, home: Path, engine: Engine) -> None:
    message = add_message(home, "again", state="sent")
    content, at = body("opened", message), datetime.now(UTC)
    assert [result(report(client, content, "id-again", at=at)) for _ in range(3)] == ["accepted", *["duplicate"] * 2]
    assert len(events_of(home, "again")) == 1
    with engine.connect() as connection:
        rows = connection.execute(sa.select(OUTCOMES).where(OUTCOMES.c.message_id == message)).all()
    assert [(row.provider, row.provider_id, row.kind) for row in rows] == [("mailer", "id-again", "opened")]


def test_reports_in_any_order_and_twice_leave_the_same(client: httpx.Client, home: Path, engine: Engine) -> None:
    kinds = ["delivered", "opened", "clicked", "complained"]
    found = []
    for turn, order in enumerate((kinds, kinds[::-1] + kinds)):
        message = add_message(home, f"order{turn}", state="sent")
        for kind in order:
            report(client, body(kind, message), f"id-order{turn}-{kind}")
        found.append(
            (
                sorted(str(row["kind"]) for row in events_of(home, f"order{turn}")),
                reasons(engine, f"order{turn}", "sms"),
            )
        )
    assert found[0] == found[1] == (["email_click", "email_open", "email_sent", "spam_complaint"], ["complained"])


def test_a_machines_open_is_kept_as_one_and_a_soft_bounce_keeps_nobody_out(
    client: httpx.Client, home: Path, engine: Engine
) -> None:
    message = add_message(home, "machine", state="sent")
    report(client, body("opened", message, is_machine=True), "id-machine")
    report(client, body("bounced", message, is_permanent=False), "id-soft")
    assert [row["is_machine"] for row in events_of(home, "machine")] == [True]
    assert reasons(engine, "machine", "email") == []


def test_what_was_in_doubt_and_is_reported_went_out(client: httpx.Client, home: Path, engine: Engine) -> None:
    message = add_message(home, "doubt", state="unknown")
    report(client, body("delivered", message), "id-doubt")
    with engine.connect() as connection:
        assert connection.scalar(sa.select(MESSAGES.c.state).where(MESSAGES.c.message_id == message)) == "sent"
    assert [row["event_id"] for row in touches(engine) if row["customer_id"] == "doubt"] == [message]


def test_a_message_nobody_knows_is_told_apart(client: httpx.Client) -> None:
    assert result(report(client, body("opened", "m-nobody"), "id-nobody")) == "unknown_message"


def refused(answer: httpx.Response, status: int, field: str | None) -> str:
    assert answer.status_code == status, answer.text
    problem = ProblemDetails.model_validate_json(answer.content)
    assert problem.field == field
    return problem.detail


def test_a_wrong_signature_or_an_old_one_is_refused(client: httpx.Client, home: Path) -> None:
    content = body("complained", add_message(home, "safe", state="sent"))
    now = datetime.now(UTC)
    signed = "webhook-signature"
    assert "No matching signature" in refused(report(client, content, "id-1", OTHER), 401, signed)
    assert "too old" in refused(report(client, content, "id-2", at=now - timedelta(minutes=6)), 401, signed)
    assert "too new" in refused(report(client, content, "id-3", at=now + timedelta(minutes=6)), 401, signed)
    for headers in ({}, {"webhook-id": "1", "webhook-timestamp": str(int(now.timestamp())), signed: "v1,?? v1 x"}):
        answer = client.post("/v1/webhooks/mailer", json=content, headers=headers)
        assert SECRET not in answer.text
        refused(answer, 401, signed)
    assert events_of(home, "safe") == []


def test_a_provider_without_a_secret_does_not_exist(client: httpx.Client) -> None:
    for name in ("other", "MAILER", "a" * 60):
        assert report(client, body("opened", "m-1"), "id-x", to=name).status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"type": "message.melted"}, 422, "type"),
        ({"timestamp": "2026-01-01T00:00:00"}, 422, "timestamp"),
        ({"timestamp": "2099-01-01T00:00:00Z"}, 422, "timestamp"),
        ({"data": {}}, 422, "data.message_id"),
        ({"data": {"message_id": "a\x00b"}}, 422, "data.message_id"),
    ],
)
def test_a_report_of_another_shape_is_refused_with_the_field(
    client: httpx.Client, change: dict[str, object], status: int, field: str
) -> None:
    refused(report(client, body("opened", "m-1") | change, f"id-{field}"), status, field)


def test_only_posts_are_taken(client: httpx.Client) -> None:
    assert client.get("/v1/webhooks/mailer").status_code == 405
