"""The deadline of an answer: 504 as problem details, no timer left behind, and BentoML's own one out of the way."""

from __future__ import annotations

import asyncio
import heapq
import os
import subprocess
import sys
import threading
from pathlib import Path

import orjson
import pytest
from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.deadline import Deadline
from serving.metrics import REQUESTS
from serving.settings import HOME

PAGE: Scope = {"type": "http", "path": "/v1/score", "method": "POST", "headers": []}


def answering(seconds: float = 0.0) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await asyncio.sleep(seconds)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    return app


async def nothing() -> Message:
    return {"type": "http.disconnect"}


async def told(app: ASGIApp) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(PAGE, nothing, send)
    return sent


def late_answers() -> float:
    return REQUESTS.labels("/v1/score", "504")._value.get()  # type: ignore[no-any-return]


def test_an_answer_in_time_passes_unchanged() -> None:
    start, body = asyncio.run(told(Deadline(answering(), 5)))
    assert (start["status"], body["body"]) == (200, b"done")


def test_an_answer_that_has_begun_may_take_longer() -> None:
    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.1)
        await send({"type": "http.response.body", "body": b"all of it"})

    assert asyncio.run(told(Deadline(slow, 0.02)))[-1]["body"] == b"all of it"


def test_a_late_answer_is_a_counted_504_with_a_reason() -> None:
    before = late_answers()
    start, body = asyncio.run(told(Deadline(answering(30), 0.02)))
    assert start["status"] == 504
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    assert orjson.loads(body["body"])["type"] == "/problems/late"
    assert late_answers() == before + 1


def test_work_in_a_thread_goes_on_to_its_end_and_keeps_its_place() -> None:
    free, steps = threading.Event(), []

    async def working(_scope: Scope, _receive: Receive, _send: Send) -> None:
        try:
            await to_thread.run_sync(free.wait, 10)
        finally:
            steps.append("place given back")

    async def asked() -> None:
        start, _ = await told(Deadline(working, 0.02))
        steps.append(start["status"])
        free.set()
        await asyncio.sleep(0.2)

    asyncio.run(asked())
    assert steps == [504, "place given back"]


def test_what_fails_before_it_answers_fails_as_it_did() -> None:
    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        asyncio.run(told(Deadline(failing, 5)))


def test_a_thousand_answers_leave_no_timers() -> None:
    async def asked() -> int:
        app = Deadline(answering(), 60)
        for _ in range(1_000):
            await told(app)
        loop = asyncio.get_running_loop()
        return len(heapq.nsmallest(1_000, loop._scheduled))  # type: ignore[attr-defined]

    assert asyncio.run(asked()) < 200


def test_the_service_has_this_deadline_and_no_other_and_makes_no_spans(run: Path) -> None:
    code = (
        "from serving.service import ChurnService\n"
        "app = ChurnService.to_asgi(is_main=True)\n"
        "for one in app.user_middleware:\n"
        "    traced = 'excluded_urls' in one.kwargs and not one.kwargs['excluded_urls'].url_disabled('http://a/v1/score')\n"
        "    print(one.cls.__module__, one.cls.__name__, 'TRACED' if traced else '')\n"
    )
    environment = {**os.environ, HOME: str(run)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "serving.deadline Deadline" in found
    assert "OpenTelemetryMiddleware" in found
    assert "Timeout" not in found
    assert "TRACED" not in found
