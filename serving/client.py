"""A client of the endpoint: requests and answers are the shapes the endpoint itself checks.

with Client("http://127.0.0.1:3000") as rekindle:
    for entry in rekindle.score(["c000042"]).customers:
        print(entry)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from features.errors import RekindleError
from serving.requests import Customer, Engagement, Instant, Order, PlanCustomer, PlanRequest, ScoreRequest, Shape
from serving.shapes import Answer, EventsAnswer, ExplainAnswer, PlanAnswer, ProblemDetails, Profile, ScoreAnswer

API_KEY = "REKINDLE_API_KEY"
TIMEOUT_SECONDS = 30.0
TRIES = 4
MOST_WAIT_SECONDS = 30.0
COME_BACK = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
Asked = TypeVar("Asked", bound=Customer)
Answered = TypeVar("Answered", bound=Answer)


class _Rows(Shape):
    orders: tuple[Order, ...]
    engagement: tuple[Engagement, ...]


class RefusedError(RekindleError):
    """The endpoint answered with a problem; `problem` says which field and what to do."""

    def __init__(self, problem: ProblemDetails) -> None:
        super().__init__(f"{problem.status} {problem.title}: {problem.detail}")
        self.problem = problem


class Client:
    """One connection pool to one endpoint; the key comes from $REKINDLE_API_KEY unless given."""

    def __init__(self, url: str, key: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        shown = os.environ.get(API_KEY) if key is None else key
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_seconds)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def score(self, customers: Sequence[str | Customer], as_of: Instant | None = None) -> ScoreAnswer:
        """Churn probabilities, by id or with events; raises RefusedError for the whole request only."""
        return self._post("score", ScoreRequest(customers=_customers(Customer, customers), as_of=as_of), ScoreAnswer)

    def explain(self, customers: Sequence[str | Customer], as_of: Instant | None = None) -> ExplainAnswer:
        """The reasons for the scores."""
        asked = ScoreRequest(customers=_customers(Customer, customers), as_of=as_of)
        return self._post("explain", asked, ExplainAnswer)

    def plan(self, customers: Sequence[str | PlanCustomer], as_of: Instant | None = None) -> PlanAnswer:
        """What would be done for them; nothing is sent."""
        return self._post("plan", PlanRequest(customers=_customers(PlanCustomer, customers), as_of=as_of), PlanAnswer)

    def profile(self, customer_id: str) -> Profile:
        """All the last nightly run knows of one customer; raises RefusedError (404) for a stranger."""
        return self._answer(lambda: self._http.get(f"/v1/customers/{quote(customer_id, safe='')}"), Profile)

    def send(self, orders: Sequence[Order] = (), engagement: Sequence[Engagement] = ()) -> EventsAnswer:
        """Give rows, each with its customer_id, to be kept; sending one again changes nothing. One result per row."""
        return self._post("events", _Rows(orders=tuple(orders), engagement=tuple(engagement)), EventsAnswer)

    def is_ready(self) -> bool:
        """True when the model is loaded and its golden rows match."""
        try:
            return self._http.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _post(self, page: str, asked: Shape, shape: type[Answered]) -> Answered:
        body, headers = asked.model_dump_json(exclude_none=True), {"Content-Type": "application/json"}
        return self._answer(lambda: self._http.post(f"/v1/{page}", content=body, headers=headers), shape)

    def _answer(self, ask: Callable[[], httpx.Response], shape: type[Answered]) -> Answered:
        """Ask, and again after 429 and 503, which mean that nothing was done yet."""
        for _ in range(TRIES - 1):
            answer = ask()
            if answer.status_code not in COME_BACK:
                return _read(answer, shape)
            time.sleep(_wait_seconds(answer))
        return _read(ask(), shape)


def _customers(shape: type[Asked], customers: Sequence[str | Asked]) -> list[Asked]:
    return [shape(customer_id=one) if isinstance(one, str) else one for one in customers]


def _wait_seconds(answer: httpx.Response) -> float:
    told = answer.headers.get("Retry-After", "1")
    return min(float(told), MOST_WAIT_SECONDS) if told.isdecimal() else 1.0  # it may also be a date


def _read(answer: httpx.Response, shape: type[Answered]) -> Answered:
    if answer.is_success:
        return shape.model_validate_json(answer.content)
    try:
        problem = ProblemDetails.model_validate_json(answer.content)
    except ValidationError:  # a proxy in between has spoken
        status, title = answer.status_code, answer.reason_phrase
        problem = ProblemDetails(type="about:blank", title=title, status=status, detail=answer.text[:200])
    raise RefusedError(problem)
