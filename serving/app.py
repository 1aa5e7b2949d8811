"""The HTTP routes: bytes in, a validated request to the desk, bytes out; every error as problem details."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import orjson
from anyio import to_thread
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from serving import answers, deciding, erase, events, pause, planner, unsubscribe, webhooks
from serving.desk import Desk, Entry
from serving.guard import as_response
from serving.limits import Room, read_body
from serving.metrics import MEDIA_TYPE, exposition, note
from serving.openapi import PAGE, description
from serving.problems import Problem, invalid
from serving.requests import PlanRequest, ScoreRequest, Shape
from serving.unsubscribe_link import token_in
from serving.unsubscribe_page import one_click

# A body this large takes longer than the event loop should stand still for.
LARGE_BODY_BYTES = 32_768
WRITTEN: tuple[type[Shape], ...] = (
    events.EventsRequest,
    pause.PauseRequest,
    unsubscribe.UnsubscribeRequest,
    erase.EraseRequest,
)
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
Asked = TypeVar("Asked", bound=Shape)
Handler = Callable[[Request], Awaitable[Response]]


def routes_app() -> Starlette:
    """The routes; `app.state.desk` is set when the service starts."""
    pages: dict[str, tuple[str, Handler]] = {
        "/v1/score": ("POST", partial(_post, ScoreRequest, answers.score)),
        "/v1/explain": ("POST", partial(_post, ScoreRequest, answers.explain)),
        "/v1/plan": ("POST", partial(_post, PlanRequest, planner.plan)),
        "/v1/events": ("POST", partial(_post, events.EventsRequest, events.keep)),
        "/v1/trigger": ("POST", _trigger),
        "/v1/decisions/{decision_id}": ("GET", _decision),
        "/v1/pause": ("GET POST", _pause),
        "/v1/unsubscribe": ("GET POST", _unsubscribe),
        "/v1/webhooks/{provider}": ("POST", _webhook),
        "/v1/privacy/erase": ("POST", partial(_post, erase.EraseRequest, erase.erase_page)),
        "/v1/customers/{customer_id:path}": ("GET", _profile),
        "/v1/{rest:path}": ("", _nowhere),
        "/metrics": ("GET", _metrics),
        "/openapi.json": ("GET", _openapi),
        # BentoML's own pages would describe none of these routes, and its front page loads a tracker.
        "/docs.json": ("GET", _openapi),
        "/": ("GET", _front),
    }
    routes = [Route(path, _only(method, handler), methods=METHODS) for path, (method, handler) in pages.items()]
    return Starlette(routes=routes, exception_handlers={Problem: _refused, ClientDisconnect: _gone, Exception: _failed})


def _only(method: str, handler: Handler) -> Handler:
    async def checked(request: Request) -> Response:
        allowed = method.split()
        if method and request.method not in (*allowed, *(["HEAD"] if "GET" in allowed else [])):
            told = f"{request.url.path} takes {' or '.join(allowed)}, not {request.method}."
            raise Problem("method", told, headers={"Allow": ", ".join(allowed)})
        return await handler(request)

    return checked


async def _post(shape: type[Asked], answer: Callable[[Desk, Asked], Entry], request: Request) -> Response:
    desk: Desk = request.app.state.desk
    room = _room(request)
    with room.entered(), room.holding() as held:
        body = await read_body(request, held)
        work = partial(_answered, shape, answer, desk, body)
        if shape in WRITTEN or desk.inbox.is_remote:  # a disk or another machine takes its time
            return Response(await to_thread.run_sync(work), media_type="application/json")
        if len(body) <= LARGE_BODY_BYTES:
            return Response(work(), media_type="application/json")
        async with room.large:
            return Response(await to_thread.run_sync(work), media_type="application/json")


def _room(request: Request) -> Room:
    state = request.app.state
    if not hasattr(state, "room"):
        state.room = Room(state.desk.limits)
    room: Room = state.room
    return room


def _answered(shape: type[Asked], answer: Callable[[Desk, Asked], Entry], desk: Desk, body: bytearray) -> bytes:
    try:
        asked = shape.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error
    content = orjson.dumps(answer(desk, asked))
    note(content)
    return content


async def _trigger(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    key = deciding.key_in(request.headers)
    room = _room(request)
    with room.entered(), room.holding() as held:
        body = await read_body(request, held)
        async with room.large:
            content = await to_thread.run_sync(deciding.trigger, desk, bytes(body), key)
    return Response(content, media_type="application/json")


async def _decision(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    content = await to_thread.run_sync(deciding.show, desk, request.path_params["decision_id"])
    return Response(content, media_type="application/json")


async def _pause(request: Request) -> Response:
    if request.method == "POST":
        return await _post(pause.PauseRequest, pause.pause, request)
    state = await to_thread.run_sync(pause.state, request.app.state.desk)
    return Response(orjson.dumps(state), media_type="application/json")


async def _unsubscribe(request: Request) -> Response:
    """With a token, for anybody who has it; without one, as JSON for those who have a key (serving/guard.py)."""
    if token_in(request.url.query.encode()) is None:
        if request.method != "POST":
            raise Problem("token", "The link has no token.", "token")
        return await _post(unsubscribe.UnsubscribeRequest, unsubscribe.by_id, request)
    room = _room(request)
    with room.entered(), room.holding() as held:
        return await one_click(request, held)


async def _webhook(request: Request) -> Response:
    room, provider = _room(request), request.path_params["provider"]
    with room.entered(), room.holding() as held:
        body = bytes(await read_body(request, held))
        report = webhooks.verified(provider, request.headers, body)
        name = request.headers["webhook-id"]
        kept = await to_thread.run_sync(webhooks.keep, request.app.state.desk, provider, name, report)
        return Response(orjson.dumps(kept), media_type="application/json")


async def _profile(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    return Response(
        orjson.dumps(answers.profile(desk, request.path_params["customer_id"])), media_type="application/json"
    )


async def _openapi(request: Request) -> Response:
    return Response(
        orjson.dumps(description(request.app.state.desk.scorer.model_version)), media_type="application/json"
    )


async def _metrics(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    told = await to_thread.run_sync(exposition, desk.scorer.model_version, desk.as_of_us)
    return Response(told, headers={"Content-Type": MEDIA_TYPE})


async def _front(_: Request) -> Response:
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:"})


async def _nowhere(request: Request) -> Response:
    raise Problem("not-found", f"{request.url.path} does not exist; / lists what does.")


async def _refused(_: Request, problem: Exception) -> Response:
    return as_response(problem if isinstance(problem, Problem) else Problem("failed", "See the service's log."))


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # nobody is there to read it


async def _failed(_: Request, __: Exception) -> Response:
    return as_response(Problem("failed", "The fault is ours; the service's log has it."))
