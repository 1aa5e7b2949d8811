"""Who is let in: with API keys set, whoever shows one of the needed role; without, only programs on this machine.

The probes are open. So are links to unsubscribe and the webhooks of providers: a token or a signature is their proof,
checked where they are answered.
"""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.keys import api_keys, may, needed_role, role_of
from serving.problems import MEDIA_TYPE, Problem
from serving.settings import API_KEYS
from serving.unsubscribe_link import UNSUBSCRIBE_PAGE, token_in

WEBHOOKS_FOLDER = "/v1/webhooks/"
PROBES = frozenset({"/livez", "/readyz", "/healthz"})
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
# What a proxy adds: who asks through one is not on this machine, wherever the proxy is.
_PROXIED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
POLICY_VIOLATION = 1008


class Guard:
    """ASGI middleware before every route; the probes stay open, they tell nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.keys = api_keys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with the problem."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        problem = None if scope["type"] != "http" or _is_open(scope) else self._refusal(scope)
        if problem is None:
            await self.app(scope, receive, send)
        else:
            await as_response(problem)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        if self.keys:
            return self._without_key(_shown(headers), needed_role(scope["path"]))
        # The Host check keeps a web page from reaching us through a name of its own that points here.
        if not is_loopback(_local_address(scope)) or _host_name(headers.get("host", "")) not in _HERE:
            return Problem("closed", f"Set ${API_KEYS} and send one as Authorization: Bearer <key>.", "Host")
        proxied = next((name for name in _PROXIED if name in headers), None)
        told = f"Through a proxy only with keys: set ${API_KEYS}."
        return None if proxied is None else Problem("closed", told, proxied.title())

    def _without_key(self, shown: str, needed: str) -> Problem | None:
        role = role_of(shown, self.keys)
        if role is None:
            challenge = {"WWW-Authenticate": "Bearer"}
            return Problem("key", "Send Authorization: Bearer <key>.", "Authorization", headers=challenge)
        told = f"This page needs a key of the role {needed}; this key has {role}."
        return None if may(role, needed) else Problem("role", told, "Authorization")


def _is_open(scope: Scope) -> bool:
    path = scope["path"]
    if path in PROBES or path.startswith(WEBHOOKS_FOLDER):
        return True
    return path == UNSUBSCRIBE_PAGE and token_in(scope.get("query_string", b"")) is not None


def as_response(problem: Problem) -> JSONResponse:
    """The problem as an HTTP answer."""
    return JSONResponse(problem.body(), problem.status, problem.headers, MEDIA_TYPE)


def is_loopback(address: str) -> bool:
    """True for an address only this machine can reach; a Unix socket has none and is one."""
    try:
        return not address or address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _local_address(scope: Scope) -> str:
    server = scope.get("server")
    return str(server[0]) if server and server[1] is not None else ""


def _host_name(host: str) -> str:
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _shown(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
