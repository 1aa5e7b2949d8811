"""Questions to the endpoint over HTTP, and its problems read strictly."""

from __future__ import annotations

import httpx

from serving.shapes import ProblemDetails


def asked(client: httpx.Client, page: str, customers: list[dict[str, object]], **more: object) -> httpx.Response:
    """POST to a page of the first version."""
    return client.post(f"/v1/{page}", json={"customers": customers, **more})


def by_id(*names: str) -> list[dict[str, object]]:
    """Customers of whom only the id is sent."""
    return [{"customer_id": name} for name in names]


def problem(answer: httpx.Response, status: int) -> ProblemDetails:
    """The problem answered, in its closed shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return ProblemDetails.model_validate_json(answer.content)
