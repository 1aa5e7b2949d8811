"""The HTTP routes: bytes in, a validated request to the desk, bytes out; every error as problem details."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import orjson
from anyio import to_thread
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from serving import answers, planner
from serving.desk import Desk, Entry
from serving.guard import as_response
from serving.openapi import PAGE, description
from serving.problems import Problem, invalid
from serving.requests import PlanRequest, ScoreRequest, Shape

# A body this large takes longer than the event loop should stand still for.
LARGE_BODY_BYTES = 32_768
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
Asked = TypeVar("Asked", bound=Shape)
Handler = Callable[[Request], Awaitable[Response]]


def routes_app() -> Starlette:
    """The routes; `app.state.desk` is set when the service starts."""
    pages: dict[str, tuple[str, Handler]] = {
        "/v1/score": ("POST", partial(_post, ScoreRequest, answers.score)),
        "/v1/explain": ("POST", partial(_post, ScoreRequest, answers.explain)),
        "/v1/plan": ("POST", partial(_post, PlanRequest, planner.plan)),
        "/v1/customers/{customer_id:path}": ("GET", _profile),
        "/v1/{rest:path}": ("", _nowhere),
        "/openapi.json": ("GET", _openapi),
        # BentoML's own pages would describe none of these routes, and its front page loads a tracker.
        "/docs.json": ("GET", _openapi),
        "/": ("GET", _front),
    }
    routes = [Route(path, _only(method, handler), methods=METHODS) for path, (method, handler) in pages.items()]
    return Starlette(routes=routes, exception_handlers={Problem: _refused, Exception: _failed})


def _only(method: str, handler: Handler) -> Handler:
    async def checked(request: Request) -> Response:
        if method and request.method not in (method, "HEAD" if method == "GET" else method):
            raise Problem("method", f"{request.url.path} takes {method}, not {request.method}.")
        return await handler(request)

    return checked


async def _post(shape: type[Asked], answer: Callable[[Desk, Asked], Entry], request: Request) -> Response:
    desk: Desk = request.app.state.desk
    body = await read_body(request, desk.limits.max_body_bytes)
    work = partial(_answered, shape, answer, desk, body)
    content = await to_thread.run_sync(work) if len(body) > LARGE_BODY_BYTES else work()
    return Response(content, media_type="application/json")


def _answered(shape: type[Asked], answer: Callable[[Desk, Asked], Entry], desk: Desk, body: bytes) -> bytes:
    try:
        asked = shape.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error
    return orjson.dumps(answer(desk, asked))


async def _profile(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    return Response(
        orjson.dumps(answers.profile(desk, request.path_params["customer_id"])), media_type="application/json"
    )


async def _openapi(request: Request) -> Response:
    return Response(
        orjson.dumps(description(request.app.state.desk.scorer.model_version)), media_type="application/json"
    )


async def _front(_: Request) -> Response:
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:"})


async def _nowhere(request: Request) -> Response:
    raise Problem("not-found", f"{request.url.path} does not exist; / lists what does.")


async def read_body(request: Request, most: int) -> bytes:
    """The body; raises Problem for another media type, a compressed body, or more than `most` bytes."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem("media-type", "Send Content-Type: application/json.", "Content-Type")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem("media-type", "Send the body uncompressed.", "Content-Encoding")
    too_large = Problem("too-large", f"The body is larger than {most} bytes; send fewer customers at once.", "body")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > most:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large
    return bytes(body)


async def _refused(_: Request, problem: Exception) -> Response:
    return as_response(problem if isinstance(problem, Problem) else Problem("failed", "See the service's log."))


async def _failed(_: Request, __: Exception) -> Response:
    return as_response(Problem("failed", "The fault is ours; the service's log has it."))
