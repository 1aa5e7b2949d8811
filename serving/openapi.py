"""The OpenAPI description, made from the very shapes that check requests, and the page that shows it."""

from __future__ import annotations

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.problems import MEDIA_TYPE
from serving.requests import PlanRequest, ScoreRequest
from serving.shapes import ExplainAnswer, PlanAnswer, ProblemDetails, Profile, ScoreAnswer

Json = dict[str, object]
_REF = "#/components/schemas/{model}"
BY_ID: Json = {"customers": [{"customer_id": "c000042"}]}
BY_EVENTS: Json = {
    "as_of": "2026-01-01T00:00:00Z",
    "customers": [
        {
            "customer_id": "new-1",
            "orders": [{"order_id": "o1", "ordered_at": "2025-11-03T10:15:00Z", "revenue": 49.9}],
            "engagement": [{"event_id": "e1", "occurred_at": "2025-12-20T18:02:00+01:00", "kind": "email_open"}],
        }
    ],
}
_POSTS: dict[str, tuple[str, type[BaseModel], type[BaseModel]]] = {
    "/v1/score": ("Churn probability of customers, by id, by events, or mixed", ScoreRequest, ScoreAnswer),
    "/v1/explain": ("The reasons for their scores", ScoreRequest, ExplainAnswer),
    "/v1/plan": ("What would be done for them, or why nothing (dry run)", PlanRequest, PlanAnswer),
}
_ERRORS = {
    "400": "The body is not JSON",
    "401": "A key is needed",
    "413": "The body is too large",
    "415": "The body is not plain JSON",
    "422": "A field is wrong; it is named",
}

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
    shapes += [Profile, ProblemDetails]
    _, schemas = models_json_schema([(shape, "validation") for shape in shapes], ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rekindle",
            "version": model_version,
            "description": "Who is about to leave, and what to do.",
        },
        "paths": {path: {"post": _post(*about)} for path, about in _POSTS.items()} | _pages(),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }


def _post(summary: str, asked: type[BaseModel], answered: type[BaseModel]) -> Json:
    examples = {"by id": {"value": BY_ID}, "by events": {"value": BY_EVENTS}}
    problem = {MEDIA_TYPE: {"schema": _ref(ProblemDetails)}}
    return {
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(asked), "examples": examples}},
        },
        "responses": {"200": _answer(answered)}
        | {status: {"description": why, "content": problem} for status, why in _ERRORS.items()},
    }


def _pages() -> Json:
    parameter = {"name": "customer_id", "in": "path", "required": True, "schema": {"type": "string"}}
    problem = {MEDIA_TYPE: {"schema": _ref(ProblemDetails)}}
    missing = {"description": "No such customer", "content": problem}
    profile = {
        "summary": "All the last nightly run knows of one customer",
        "parameters": [parameter],
        "responses": {"200": _answer(Profile), "404": missing},
    }
    probe = {"responses": {"200": {"description": "Yes"}, "503": {"description": "No"}}}
    return {
        "/v1/customers/{customer_id}": {"get": profile},
        "/livez": {"get": {"summary": "Does the process run?", **probe}},
        "/readyz": {"get": {"summary": "Is the model loaded, and does it score its golden rows right?", **probe}},
        "/metrics": {"get": {"summary": "Prometheus", "responses": {"200": {"description": "Text"}}}},
    }


def _answer(shape: type[BaseModel]) -> Json:
    return {"description": "The answer", "content": {"application/json": {"schema": _ref(shape)}}}


def _ref(shape: type[BaseModel]) -> Json:
    return {"$ref": _REF.format(model=shape.__name__)}
