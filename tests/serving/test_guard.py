"""Who is let in."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from features.errors import ConfigError
from serving.guard import Guard, is_loopback
from serving.settings import API_KEYS, api_keys


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


def test_a_key_that_could_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEYS, "short")
    with pytest.raises(ConfigError, match="shorter than 16 characters"):
        api_keys()


@pytest.mark.parametrize(
    ("address", "expected"), [("127.0.0.9", True), ("::1", True), ("10.0.0.1", False), ("shop.example", False)]
)
def test_loopback_is_told_from_the_rest(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
