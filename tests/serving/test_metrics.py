"""What the endpoint counts."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message, Receive, Scope, Send

from serving.metrics import Measured, exposition, note, page_of


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/v1/score", "/v1/score"),
        ("/v1/customers/c42", "/v1/customers/{customer_id}"),
        ("/v1/customers/a/b", "/v1/customers/{customer_id}"),
        ("/v1/c42", "other"),
    ],
)
def test_a_page_is_counted_by_its_route_and_never_by_an_id(path: str, page: str) -> None:
    assert page_of(path) == page


def test_answered_probabilities_gates_and_problems_are_counted() -> None:
    before = [
        count("rekindle_scores_total", tenth="0.6"),
        count("rekindle_scores_total", tenth="0.9"),
        count("rekindle_decisions_total", gate="no_consent"),
        count("rekindle_decisions_total", gate="none"),
        count("rekindle_customer_problems_total", problem="unknown-customer"),
    ]
    note(b'{"customers":[{"churn_probability":0.66},{"churn_probability":6.1e-1},{"churn_probability":1.0}]}')
    note(b'{"decisions":[{"gate":"no_consent"},{"gate":null},{"error":{"type":"/problems/unknown-customer"}}]}')
    after = [
        count("rekindle_scores_total", tenth="0.6"),
        count("rekindle_scores_total", tenth="0.9"),
        count("rekindle_decisions_total", gate="no_consent"),
        count("rekindle_decisions_total", gate="none"),
        count("rekindle_customer_problems_total", problem="unknown-customer"),
    ]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 1, 1, 1]


def test_an_id_that_looks_like_a_probability_is_not_counted() -> None:
    before = count("rekindle_scores_total", tenth="0.1")
    note(rb'{"customer_id":"\"churn_probability\":0.1"}')
    assert count("rekindle_scores_total", tenth="0.1") == before


def test_a_request_is_counted_with_its_status_and_time_and_a_probe_is_not() -> None:
    async def refuses(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(_: Message) -> None:
        return

    for path in ("/v1/plan", "/livez"):
        asyncio.run(Measured(refuses)({"type": "http", "path": path}, receive, send))
    assert count("rekindle_requests_total", page="/v1/plan", status="418") == 1
    assert count("rekindle_requests_total", page="other", status="418") == 0
    assert count("rekindle_request_seconds_count", page="/v1/plan") == 1


def test_the_exposition_is_prometheus_and_names_the_model_in_force() -> None:
    families = {family.name: family for family in text_string_to_metric_families(exposition("m-1", 10**6).decode())}
    assert families["rekindle_model_info"].samples[0].labels == {"model_version": "m-1"}
    assert families["rekindle_nightly_as_of_seconds"].samples[0].value == 1.0
    assert {"rekindle_requests", "rekindle_request_seconds", "rekindle_scores", "rekindle_decisions"} <= set(families)
