"""What the endpoint counts, in Prometheus' format: requests, time, scores by tenth, gates, and the model in force.

BentoML's own metrics are off: they make one series per path, so per customer, and tell the ids.
With several workers each keeps its counts in files that BentoML has made, and any of them answers for all.
"""

from __future__ import annotations

import os
import re
from collections import Counter as Tally
from collections.abc import Iterable
from functools import cache
from time import perf_counter

import prometheus_client as prometheus
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.guard import PROBES, WEBHOOKS_FOLDER
from serving.openapi import DECISION_PAGE, PROFILE_PAGE, WEBHOOKS_PAGE

MEDIA_TYPE = prometheus.CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16)
PAGES = frozenset(
    {
        "/v1/score",
        "/v1/explain",
        "/v1/plan",
        "/v1/events",
        "/v1/trigger",
        "/v1/pause",
        "/v1/unsubscribe",
        "/v1/privacy/erase",
        "/openapi.json",
        "/docs.json",
        "/",
        "/metrics",
    }
)
OTHER = "other"

REQUESTS = prometheus.Counter("rekindle_requests", "Requests answered.", ["page", "status"])
DURATION = prometheus.Histogram(
    "rekindle_request_seconds", "From the head of a request to the end of its answer.", ["page"], buckets=SECONDS
)
SCORES = prometheus.Counter("rekindle_scores", "Churn probabilities answered, by the tenth they start in.", ["tenth"])
GATES = prometheus.Counter("rekindle_decisions", "Decisions answered, by the gate that said no.", ["gate"])
PROBLEMS = prometheus.Counter("rekindle_customer_problems", "Customers not answered about, by problem.", ["problem"])

_PROBABILITY = re.compile(rb'"churn_probability":([0-9.eE+-]+)')
_GATE = re.compile(rb'"gate":(?:null|"([^"]*)")')
_PROBLEM = re.compile(rb'"type":"/problems/([a-z-]+)"')


class Measured:
    """ASGI middleware around everything, so that refusals count too; the probes do not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count its answer."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        started, page = perf_counter(), page_of(scope["path"])

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                _requests(page, message["status"]).inc()
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            _duration(page).observe(perf_counter() - started)


def count_answer(path: str, status: int) -> None:
    """Count an answer that was given outside of `Measured`."""
    _requests(page_of(path), status).inc()


def page_of(path: str) -> str:
    """The route of a path: never an id, and never more than a few."""
    if path.startswith("/v1/customers/"):
        return PROFILE_PAGE
    if path.startswith(WEBHOOKS_FOLDER):
        return WEBHOOKS_PAGE
    if path.startswith("/v1/decisions/"):
        return DECISION_PAGE
    return path if path in PAGES else OTHER


def note(content: bytes) -> None:
    """Count what an answer says: probabilities, gates, problems of single customers."""
    tenths = (min(int(float(found) * 10), 9) for found in _PROBABILITY.findall(content))
    _add(SCORES, (f"{tenth / 10:.1f}" for tenth in tenths))
    _add(GATES, (found.decode() or "none" for found in _GATE.findall(content)))
    _add(PROBLEMS, (found.decode() for found in _PROBLEM.findall(content)))


def exposition(model_version: str, as_of_us: int) -> bytes:
    """All counts of all workers, the model in force, and the age of what it knows."""
    told = [
        "# HELP rekindle_model_info The model in force.",
        "# TYPE rekindle_model_info gauge",
        f'rekindle_model_info{{model_version="{model_version}"}} 1',
        "# HELP rekindle_nightly_as_of_seconds The instant of the last nightly run, seconds since 1970.",
        "# TYPE rekindle_nightly_as_of_seconds gauge",
        f"rekindle_nightly_as_of_seconds {as_of_us / 1e6}",
    ]
    return prometheus.generate_latest(_registry()) + "\n".join([*told, ""]).encode()


def _registry() -> prometheus.CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return prometheus.REGISTRY
    registry = prometheus.CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _add(counter: prometheus.Counter, values: Iterable[str]) -> None:
    for value, count in Tally(values).items():
        counter.labels(value).inc(count)


@cache
def _requests(page: str, status: int) -> prometheus.Counter:
    return REQUESTS.labels(page, str(status))


@cache
def _duration(page: str) -> prometheus.Histogram:
    return DURATION.labels(page)
