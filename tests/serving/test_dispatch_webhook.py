"""The webhook: what each answer means, signatures the library accepts, and addresses that are refused."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import httpcore
import pytest

from benchmarks.fault_parts.receivers import SECRET, receiving
from serving.dispatch.claim import Letter
from serving.dispatch.outcome import Outcome
from serving.dispatch.settings import Webhook
from serving.dispatch.sinks import address
from serving.dispatch.sinks.address import AddressRefusedError, checked_addresses, is_public
from serving.dispatch.sinks.webhook import WebhookSink, outcome_of, seconds_of

LETTER = Letter("m-1", 1, "c1", "follow_up", "email", '{"type":"touch","customer_id":"ö"}', 1, None)
Post = Callable[[str], Outcome]


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_SECRET", SECRET)


def lane(url: str, **more: object) -> Webhook:
    about = {"kind": "webhook", "channels": ["email"], "url": url, "secret_env": "CRM_SECRET", "allow_private": True}
    return Webhook.model_validate({**about, "timeout_seconds": 1, **more})


def posted(url: str, **more: object) -> Outcome:
    sink = WebhookSink(lane(url, **more))
    try:
        return sink.deliver([LETTER])["m-1"]
    finally:
        sink.close()


@pytest.mark.parametrize(
    ("way", "result", "status", "wait"),
    [
        ("ok", "sent", 200, None),
        ("accepted", "sent", 202, None),
        ("too many", "failed", 429, 0.0),
        ("error", "failed", 500, None),
        ("unavailable", "failed", 503, 0.0),
        ("closes", "doubtful", None, None),
        ("resets", "doubtful", None, None),
        ("closes mid-body", "doubtful", None, None),
        ("claims too little", "sent", 200, None),
        ("no http", "doubtful", None, None),
        ("redirect", "refused", 307, None),
        ("unwanted", "refused", 400, None),
        ("gone", "gone", 410, None),
    ],
)
def test_each_way_to_answer_has_its_meaning(way: str, result: str, status: int | None, wait: float | None) -> None:
    with receiving(way) as receiver:
        outcome = posted(receiver.url)
    assert (outcome.result, outcome.status, outcome.wait_seconds) == (result, status, wait)
    assert receiver.refused == 0


@pytest.mark.parametrize("way", ["hangs", "drips"])
def test_a_receiver_that_takes_its_time_is_left_at_the_deadline(way: str) -> None:
    with receiving(way) as receiver:
        started = time.monotonic()
        assert posted(receiver.url).result == "doubtful"
        assert time.monotonic() - started < 3
        assert receiver.arrived["m-1"] == 1


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    with receiving("pours") as receiver:
        started = time.monotonic()
        assert posted(receiver.url, timeout_seconds=20, lease_seconds=60).result == "sent"
        assert time.monotonic() - started < 5


def test_nobody_there_surely_did_not_get_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert posted(f"http://127.0.0.1:{port}/").result == "failed"
    assert posted("http://no.such.host.invalid/").result == "failed"


def test_the_body_is_the_payload_and_the_same_connection_serves_many() -> None:
    with receiving("ok") as receiver:
        sink = WebhookSink(lane(receiver.url))
        letters = [LETTER._replace(message_id=f"m-{number}") for number in range(40)]
        assert {outcome.result for outcome in sink.deliver(letters).values()} == {"sent"}
        sink.close()
    assert receiver.bodies["m-7"] == LETTER.payload.encode()
    assert (len(receiver.arrived), receiver.refused) == (40, 0)


PRIVATE = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",  # noqa: S104 - not bound to, refused
    "10.0.0.5",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "2002:0a00:0001::",
    "2001:db8::1",
    "fec0::1",
]


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_that_is_not_of_the_open_internet_is_private(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize("text", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_an_address_of_the_open_internet_is_public(text: str) -> None:
    assert is_public(text)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names lead to; each look takes the first of the list away, if more are left."""
    known: dict[str, list[str]] = {}

    def look(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        found = known[host]
        text = found.pop(0) if len(found) > 1 else found[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port))]

    monkeypatch.setattr(address.socket, "getaddrinfo", look)
    return known


def test_a_name_that_leads_inside_is_refused_before_anything_is_claimed(names: dict[str, list[str]]) -> None:
    names["crm.example"] = ["10.0.0.5"]
    sink = WebhookSink(lane("https://crm.example/", allow_private=False))
    assert "crm.example leads to 10.0.0.5, which is not a public address" in str(sink.refusal())
    sink.close()
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.5"):
        checked_addresses("crm.example", 443, allow_private=False)


def test_a_name_that_changes_after_the_look_is_still_refused(names: dict[str, list[str]]) -> None:
    with receiving("ok") as receiver:
        names["crm.example"] = ["93.184.215.14", "127.0.0.1"]
        sink = WebhookSink(lane(f"https://crm.example:{receiver.port}/", allow_private=False))
        assert sink.refusal() is None
        assert "127.0.0.1, which is not a public address" in sink.deliver([LETTER])["m-1"].told
        sink.close()
    assert not receiver.arrived


def test_the_address_that_was_checked_is_the_one_connected_to(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []

    def connect(_: object, host: str, *__: object) -> object:
        connected.append(host)
        raise httpcore.ConnectError("no way")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    names["crm.example"] = ["93.184.215.14"]
    assert posted("https://crm.example/", allow_private=False).result == "failed"
    assert connected == ["93.184.215.14"]


def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with receiving("ok") as receiver:
        assert posted(receiver.url).result == "sent"


def test_retry_after_is_seconds_or_a_date() -> None:
    at = 1_700_000_000.0
    assert seconds_of("120", at) == 120
    assert seconds_of("Tue, 14 Nov 2023 22:15:20 GMT", at) == 120
    assert seconds_of("Tue, 14 Nov 2023 22:00:00 GMT", at) == 0
    assert [seconds_of(text, at) for text in (None, "soon", "-5", "1e9")] == [None] * 4
    assert outcome_of(500, "120", at).wait_seconds is None
    assert outcome_of(503, "120", at).wait_seconds == 120
