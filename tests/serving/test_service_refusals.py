"""What the endpoint refuses of a request, over HTTP: by which status, and with which field named."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.serving.asking import asked, by_id, problem

ORDER = {"order_id": "1", "ordered_at": "2025-12-15T00:00:00Z", "revenue": 30.0}
EVENT = {"event_id": "1", "occurred_at": "2025-12-15T00:00:00Z", "kind": "session"}
REFUSED: dict[str, tuple[object, str]] = {
    "no customers": ({"customers": []}, "customers"),
    "an unknown field": ({"customers": [{"customer_id": "a"}], "limit": 3}, "limit"),
    "an unknown field inside": ({"customers": [{"customer_id": "a", "age": 3}]}, "customers[0].age"),
    "a number as id": ({"customers": [{"customer_id": 7}]}, "customers[0].customer_id"),
    "an empty id": ({"customers": [{"customer_id": ""}]}, "customers[0].customer_id"),
    "the same id twice": (
        {"customers": [{"customer_id": "a"}, {"customer_id": "a"}]},
        "customers[1].customer_id",
    ),
    "an instant without a zone": ({"customers": [{"customer_id": "a"}], "as_of": "2026-01-01T00:00:00"}, "as_of"),
    "an unknown kind": (
        {"customers": [{"customer_id": "a", "engagement": [{**EVENT, "kind": "telepathy"}]}]},
        "customers[0].engagement[0].kind",
    ),
    "a revenue in words": (
        {"customers": [{"customer_id": "a", "orders": [{**ORDER, "revenue": "30"}]}]},
        "customers[0].orders[0].revenue",
    ),
    "an order of another customer": (
        {"customers": [{"customer_id": "a", "orders": [{**ORDER, "customer_id": "b"}]}]},
        "customers[0].orders[0].customer_id",
    ),
    "an order id twice": (
        {"customers": [{"customer_id": "a", "orders": [ORDER, ORDER]}]},
        "customers[0].orders[1].order_id",
    ),
    "an item of no order": (
        {"customers": [{"customer_id": "a", "order_items": [{"order_id": "9", "product_id": "p", "quantity": 1.0}]}]},
        "customers[0].order_items[0].order_id",
    ),
    "an event in the year 5000": (
        {"customers": [{"customer_id": "a", "engagement": [{**EVENT, "occurred_at": "5000-01-01T00:00:00Z"}]}]},
        "customers[0].engagement[0].occurred_at",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_request_is_refused_and_the_field_named(client: httpx.Client, name: str) -> None:
    body, field = REFUSED[name]
    assert problem(client.post("/v1/score", json=body), 422).field == field


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(client: httpx.Client, number: str) -> None:
    body = json.dumps({"customers": [{"customer_id": "a", "orders": [ORDER]}]}).replace("30.0", number)
    answer = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    assert problem(answer, 422).field == "customers[0].orders[0].revenue"


@pytest.mark.parametrize("body", [b"", b"{", b'{"customers": "\xff"}', b"[1"])
def test_a_body_that_is_not_json_is_refused(client: httpx.Client, body: bytes) -> None:
    problem(client.post("/v1/score", content=body, headers={"content-type": "application/json"}), 400)


def test_another_media_type_and_a_compressed_body_are_refused(client: httpx.Client) -> None:
    assert problem(client.post("/v1/score", content=b"{}"), 415).field == "Content-Type"
    packed = {"content-type": "application/json", "content-encoding": "gzip"}
    assert problem(client.post("/v1/score", content=b"{}", headers=packed), 415).field == "Content-Encoding"


def test_a_body_over_the_limit_is_refused_with_and_without_a_declared_length(client: httpx.Client) -> None:
    piece, headers = b" " * 1_048_576, {"content-type": "application/json"}
    assert problem(client.post("/v1/score", content=piece * 33, headers=headers), 413).field == "body"
    streamed = client.post("/v1/score", content=(piece for _ in range(33)), headers=headers)
    assert problem(streamed, 413).field == "body"


def test_too_many_customers_are_refused(client: httpx.Client) -> None:
    answer = asked(client, "score", by_id(*(f"x{number}" for number in range(10_001))))
    assert "10001 entries, at most 10000" in problem(answer, 422).detail


def test_a_customer_whose_events_cannot_be_used_does_not_fail_the_others(client: httpx.Client) -> None:
    customers: list[dict[str, object]] = [
        {"customer_id": "future", "orders": [{**ORDER, "ordered_at": "2026-01-01T00:00:00Z"}]},
        {"customer_id": "empty", "orders": []},
        {"customer_id": "poor", "orders": [{"order_id": "1", "ordered_at": "2025-12-15T00:00:00Z"}]},
        {"customer_id": "fine", "orders": [ORDER]},
    ]
    future, empty, poor, fine = asked(client, "score", customers).json()["customers"]
    assert future["error"]["field"] == "customers[0].orders[0]"
    assert empty["error"]["type"] == "/problems/outside-population"
    assert poor["error"]["field"] == "customers[2].orders[0].revenue"
    assert 0 < fine["churn_probability"] < 1
