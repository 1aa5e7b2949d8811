"""Who is let in."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from serving.guard import Guard, is_loopback
from serving.settings import API_KEYS


async def _inside(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def status(local: str = "127.0.0.1", path: str = "/v1/score", **headers: str) -> int:
    """The status a request to a local address gets."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    pairs = [(name.encode(), value.encode()) for name, value in {"host": "127.0.0.1:3000", **headers}.items()]
    scope: Scope = {"type": "http", "path": path, "headers": pairs, "server": (local, 3000), "method": "POST"}
    asyncio.run(Guard(_inside)(scope, receive, send))
    return int(sent[0]["status"])


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(API_KEYS, raising=False)


def test_without_keys_this_machine_is_answered() -> None:
    assert status() == 200
    assert status("::1", host="[::1]:3000") == 200
    assert status(host="localhost") == 200


def test_without_keys_nobody_else_is_answered() -> None:
    assert status("192.168.1.5") == 403
    assert status("0.0.0.0") == 403  # noqa: S104
    assert status(host="rebound.example") == 403


def test_the_probes_are_open_to_all() -> None:
    assert status("192.168.1.5", "/livez") == 200
    assert status("192.168.1.5", "/readyz") == 200
    assert status("192.168.1.5", "/readyz/../v1/score") == 403


def test_with_keys_any_address_is_answered_that_shows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEYS, "first-key-0123456789,second-key-012345678")
    assert status("192.168.1.5", authorization="Bearer second-key-012345678") == 200
    assert status("192.168.1.5", authorization="Bearer second-key-01234567") == 401
    assert status("192.168.1.5", authorization="Basic second-key-012345678") == 401
    assert status() == 401


def test_a_key_opens_what_its_role_may_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEYS, "score:first-key-0123456789,trigger:second-key-012345678,admin:third-key-0123456789")
    shown = [f"Bearer {key}" for key in ("first-key-0123456789", "second-key-012345678", "third-key-0123456789")]
    pages = ("/v1/score", "/v1/events", "/schema.json")
    found = [[status(path=page, authorization=key) for page in pages] for key in shown]
    assert found == [[200, 403, 403], [200, 200, 403], [200, 200, 200]]


@pytest.mark.parametrize("header", ["forwarded", "via", "x-forwarded-for", "x-real-ip"])
def test_without_keys_nobody_comes_through_a_proxy(header: str) -> None:
    assert status(**{header: "203.0.113.9"}) == 403


def test_a_websocket_is_closed() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    asyncio.run(Guard(_inside)({"type": "websocket", "path": "/"}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    ("address", "expected"), [("127.0.0.9", True), ("::1", True), ("10.0.0.1", False), ("shop.example", False)]
)
def test_loopback_is_told_from_the_rest(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
