"""What the web page may reach: our own pages, and the part of MLflow that compares runs; everything else is 404.

An allow list: a route that a later MLflow adds is refused until somebody reads it and lets it in. MLflow carries an
assistant whose tools run shell commands on the host and a gateway to paid language models; a page in the user's
browser must reach neither. Host and origin are checked too, or any site could talk to a server on loopback.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse

Scope: TypeAlias = MutableMapping[str, object]
Message: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX = "/mlflow"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
OWN_PAGES = frozenset({"/", "/report", "/catalogue.html", "/compare", "/compare.html", f"{PREFIX}/"})
MLFLOW_PAGES = frozenset(
    f"{PREFIX}{page}"
    for page in ("/", "/health", "/version", "/graphql", "/get-artifact", "/model-versions/get-artifact")
)
STATIC = f"{PREFIX}/static-files/"
RESOURCES = (
    "artifacts",
    "experiments",
    "logged-models",
    "metrics",
    "model-versions",
    "registered-models",
    "runs",
    "server-info",
    "ui-telemetry",  # answers "off", since telemetry is
)
API = re.compile(rf"{PREFIX}/(ajax-)?api/\d\.\d/mlflow/({'|'.join(RESOURCES)})(/|$)")
NEVER = re.compile(r"assistant|gateway|promptlab|invo[ck]|/jobs|\.\.|//|\\|%", re.IGNORECASE)


def is_open(path: str) -> bool:
    """May this path, already decoded, be asked for at all?"""
    if NEVER.search(path):
        return False
    return path in OWN_PAGES or path in MLFLOW_PAGES or path.startswith(STATIC) or API.match(path) is not None


@dataclass(frozen=True)
class Guard:
    """Refuses foreign hosts and origins (403) and closed paths (404) before either application sees them."""

    pages: Application
    mlflow: Application | None
    port: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        path = str(scope["path"])
        inner = self.mlflow if path.startswith(f"{PREFIX}/") and path not in OWN_PAGES else self.pages
        refusal = self._refusal(path, _headers(scope), str(scope["method"]))
        if refusal is None and inner is None:
            refusal = PlainTextResponse("the tracking server is elsewhere; follow the link on the front page\n", 404)
        await (refusal or inner)(scope, receive, send)  # type: ignore[misc]

    def _refusal(self, path: str, headers: Mapping[str, str], method: str) -> PlainTextResponse | None:
        if headers.get("host", "").lower() not in self._hosts():
            return PlainTextResponse("this page answers on loopback only\n", 403)
        if self._is_foreign(headers, method):
            return PlainTextResponse("requests of other sites are refused\n", 403)
        return None if is_open(path) else PlainTextResponse("", 404)  # MLflow's page shows any text as an error

    def _is_foreign(self, headers: Mapping[str, str], method: str) -> bool:
        origin = headers.get("origin")
        if origin is not None and (urlsplit(origin).scheme != "http" or urlsplit(origin).netloc not in self._hosts()):
            return True
        is_link = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        return headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_link

    def _hosts(self) -> set[str]:
        return {f"{name}:{self.port}" for name in LOOPBACK}


def _headers(scope: Scope) -> dict[str, str]:
    pairs: list[tuple[bytes, bytes]] = scope["headers"]  # type: ignore[assignment]
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
