"""The OpenAPI description, made from the very shapes that check requests, and the page that shows it.

`python -m serving.openapi > docs/openapi.json` writes the file that goes with a release.
"""

from __future__ import annotations

import json
import sys

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.erase import EraseRequest
from serving.events import EventsRequest, ReceivedEvent, ReceivedOrder
from serving.examples import (
    BOUNCED,
    BY_EVENTS,
    BY_ID,
    EXAMPLES,
    PAUSED,
    PROBLEM_EXAMPLES,
    RECEIVED,
    TRIGGERED,
    UNSUBSCRIBED,
)
from serving.pause import PauseRequest
from serving.problems import MEDIA_TYPE, TITLES, Problem
from serving.requests import PlanRequest, ScoreRequest, TriggerRequest
from serving.shapes import (
    DecisionShown,
    EraseAnswer,
    EventsAnswer,
    ExplainAnswer,
    PauseAnswer,
    PlanAnswer,
    ProblemDetails,
    Profile,
    ScoreAnswer,
    TriggerAnswer,
    UnsubscribeAnswer,
    WebhookAnswer,
)
from serving.unsubscribe import UnsubscribeRequest
from serving.unsubscribe_link import UNSUBSCRIBE_PAGE
from serving.webhooks import OutcomeReport

Json = dict[str, object]
_REF = "#/components/schemas/{model}"
PROFILE_PAGE = "/v1/customers/{customer_id}"
WEBHOOKS_PAGE = "/v1/webhooks/{provider}"
DECISION_PAGE = "/v1/decisions/{decision_id}"
_POSTS: dict[str, tuple[str, type[BaseModel], type[BaseModel]]] = {
    "/v1/score": ("Churn probability of customers, by id, by events, or mixed", ScoreRequest, ScoreAnswer),
    "/v1/explain": ("The reasons for their scores", ScoreRequest, ExplainAnswer),
    "/v1/plan": ("What would be done for them, or why nothing (dry run)", PlanRequest, PlanAnswer),
    "/v1/events": ("Keep orders and events; the next score sees them", EventsRequest, EventsAnswer),
    "/v1/trigger": ("Decide for everybody, or some, and commit what is to be sent", TriggerRequest, TriggerAnswer),
    "/v1/pause": ("Stop all sending, a channel or a destination, or let it go on", PauseRequest, PauseAnswer),
    "/v1/unsubscribe": (
        "Keep a customer out, by id; or, with the token of a link and any body, by one click and without a key",
        UnsubscribeRequest,
        UnsubscribeAnswer,
    ),
    "/v1/privacy/erase": ("Remove every trace of a customer; gives the receipt", EraseRequest, EraseAnswer),
}
_BY_CUSTOMER: Json = {"by id": {"value": BY_ID}, "by events": {"value": BY_EVENTS}}
_EXAMPLES: dict[str, Json] = {
    "/v1/events": {"an order and a visit": {"value": RECEIVED}},
    "/v1/trigger": {"everybody": {"value": {}}, "as of an instant": {"value": TRIGGERED}},
    "/v1/pause": {"stop a channel": {"value": PAUSED}},
    "/v1/unsubscribe": {"from everything": {"value": UNSUBSCRIBED}},
    "/v1/privacy/erase": {"a customer": {"value": UNSUBSCRIBED}},
}
# What any page may answer instead; problems.py has the titles.
_HEADERS = {
    "busy": "Retry-After",
    "not-kept": "Retry-After",
    "not-written": "Retry-After",
    "not-decided": "Retry-After",
    "not-erased": "Retry-After",
    "key": "WWW-Authenticate",
}
_REFUSED = ("key", "closed", "failed")
_REFUSED_POST = (*_REFUSED, "unreadable", "slow", "too-large", "media-type", "invalid", "busy", "late")
_MORE: dict[str, tuple[str, ...]] = {
    "/v1/events": ("not-kept",),
    "/v1/trigger": ("no-idempotency-key", "other-request", "unknown-customer", "not-decided"),
    "/v1/pause": ("not-written",),
    "/v1/unsubscribe": ("not-written",),
    "/v1/privacy/erase": ("not-erased",),
}
_KEY: Json = {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string", "minLength": 1}}
_TOKEN: Json = {"name": "token", "in": "query", "required": True, "schema": {"type": "string"}}

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Rekindle endpoint</title>
<link rel="stylesheet" href="/static_content/swagger-ui.css"></head>
<body><div id="page"></div><script src="/static_content/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "/openapi.json", dom_id: "#page", validatorUrl: null})</script></body>
</html>
"""


def description(model_version: str) -> Json:
    """The OpenAPI 3.1 document."""
    shapes: list[type[BaseModel]] = [shape for _, asked, answered in _POSTS.values() for shape in (asked, answered)]
    shapes += [Profile, OutcomeReport, WebhookAnswer, DecisionShown, ProblemDetails, ReceivedOrder, ReceivedEvent]
    _, schemas = models_json_schema([(shape, "validation") for shape in shapes], ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rekindle",
            "version": model_version,
            "description": "Who is about to leave, and what to do. Errors are RFC 9457 problem details.",
        },
        "paths": {path: {"post": _post(path, *about), **_gets(path)} for path, about in _POSTS.items()} | _pages(),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }


def _post(path: str, summary: str, asked: type[BaseModel], answered: type[BaseModel]) -> Json:
    examples = _EXAMPLES.get(path, _BY_CUSTOMER)
    return {
        "operationId": path.rpartition("/")[2],
        "summary": summary,
        **({"parameters": [_KEY]} if path == "/v1/trigger" else {}),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(asked), "examples": examples}},
        },
        "responses": {"200": _answer(answered)} | _problems(_MORE.get(path, ()) + _REFUSED_POST),
    }


def _gets(path: str) -> Json:
    """What the pages that take POST answer to GET."""
    if path == "/v1/pause":
        responses = {"200": _answer(PauseAnswer)} | _problems((*_REFUSED, "not-written"))
        return {"get": {"operationId": "paused", "summary": "All switches", "responses": responses}}
    if path == UNSUBSCRIBE_PAGE:
        page = {"schema": {"type": "string"}, "example": "<!doctype html>..."}
        shown: Json = {"200": {"description": "A page with a button", "content": {"text/html": page}}}
        summary = "The page behind a link to unsubscribe; changes nothing"
        told = {"operationId": "unsubscribe_page", "summary": summary, "parameters": [_TOKEN], "security": []}
        return {"get": told | {"responses": shown | _problems(("token", "failed"))}}
    return {}


def _webhook() -> Json:
    signature = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
    names = {"webhook-id": "msg_1", "webhook-timestamp": "1767268800", "webhook-signature": signature}
    shown = {"in": "header", "required": True, "schema": {"type": "string"}}
    provider = {"name": "provider", "in": "path", "required": True, "schema": {"type": "string"}, "example": "mailer"}
    body = {"schema": _ref(OutcomeReport), "examples": {"a bounce": {"value": BOUNCED}}}
    refused = ("failed", "unreadable", "signature", "not-found", "slow", "too-large", "media-type", "invalid", "busy")
    return {
        "operationId": "webhook",
        "summary": "What became of a message, told by who delivered it, in the form of Standard Webhooks",
        "parameters": [provider, *({**shown, "name": name, "example": each} for name, each in names.items())],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "security": [],
        "responses": {"200": _answer(WebhookAnswer)} | _problems((*refused, "not-written")),
    }


def _pages() -> Json:
    parameter = {"name": "customer_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    profile = {
        "operationId": "profile",
        "summary": "All the last nightly run knows of one customer",
        "parameters": [parameter | {"example": "c000042"}],
        "responses": {"200": _answer(Profile)} | _problems((*_REFUSED, "unknown-customer")),
    }
    decision_id = {**parameter, "name": "decision_id", "example": "d-6f1c"}
    decision = {
        "operationId": "decision",
        "summary": "A committed decision: inputs, gates, value, propensity, versions; and made again",
        "parameters": [decision_id],
        "responses": {"200": _answer(DecisionShown)} | _problems((*_REFUSED, "unknown-decision", "not-decided")),
    }
    answers = {"200": {"description": "Yes"}, "503": {"description": "No"}}
    probe = {"responses": answers, "security": []}
    metrics = {"200": {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    return {
        PROFILE_PAGE: {"get": profile},
        WEBHOOKS_PAGE: {"post": _webhook()},
        DECISION_PAGE: {"get": decision},
        "/livez": {"get": {"operationId": "livez", "summary": "Does the process run?", **probe}},
        "/readyz": {
            "get": {
                "operationId": "readyz",
                "summary": "Is the model loaded, and does it score its golden rows right?",
                **probe,
            }
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Counts for Prometheus",
                "responses": metrics | _problems(_REFUSED),
            }
        },
    }


def _answer(shape: type[BaseModel]) -> Json:
    return {
        "description": "The answer",
        "content": {"application/json": {"schema": _ref(shape), "example": EXAMPLES[shape.__name__]}},
    }


def _problems(kinds: tuple[str, ...]) -> Json:
    return {str(TITLES[kind][0]): _problem(kind) for kind in kinds}


def _problem(kind: str) -> Json:
    example = Problem(kind, *PROBLEM_EXAMPLES[kind]).body()
    told: Json = {
        "description": TITLES[kind][1],
        "content": {MEDIA_TYPE: {"schema": _ref(ProblemDetails), "example": example}},
    }
    header = _HEADERS.get(kind)
    return told if header is None else told | {"headers": {header: {"schema": {"type": "string"}}}}


def _ref(shape: type[BaseModel]) -> Json:
    return {"$ref": _REF.format(model=shape.__name__)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(description("any"), indent=1) + "\n")
