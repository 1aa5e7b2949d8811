"""Who is let in: with API keys set, whoever shows one; without, only programs on this machine."""

from __future__ import annotations

import hmac
import ipaddress

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.problems import MEDIA_TYPE, Problem
from serving.settings import API_KEYS, api_keys

PROBES = frozenset({"/livez", "/readyz", "/healthz"})
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """ASGI middleware before every route; the probes stay open, they tell nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.keys = api_keys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with the problem."""
        problem = None if scope["type"] != "http" or scope["path"] in PROBES else self._refusal(scope)
        if problem is None:
            await self.app(scope, receive, send)
        else:
            await as_response(problem)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        if self.keys:
            return (
                None if _is_known(_shown(headers), self.keys) else Problem("key", "Send Authorization: Bearer <key>.")
            )
        # The Host check keeps a web page from reaching us through a name of its own that points here.
        if is_loopback(_local_address(scope)) and _host_name(headers.get("host", "")) in _HERE:
            return None
        return Problem("closed", f"Set ${API_KEYS} and send one as Authorization: Bearer <key>.")


def as_response(problem: Problem) -> JSONResponse:
    """The problem as an HTTP answer."""
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else None
    return JSONResponse(problem.body(), problem.status, headers, MEDIA_TYPE)


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


def _shown(headers: Headers) -> bytes:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip().encode() if scheme.lower() == "bearer" else b""


def _is_known(shown: bytes, keys: tuple[bytes, ...]) -> bool:
    # Every key is compared, each in constant time: how long it takes tells nothing.
    return sum(hmac.compare_digest(shown, key) for key in keys) > 0
