"""A receiver that misbehaves on purpose: what it answers to each message is drawn from a list of ways.

It keeps every signed message that came in whole, so the tests can tell what really arrived, and how often.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import standardwebhooks

SECRET = "whsec_cmVraW5kbGUtZmF1bHQtdGVzdHMtc2VjcmV0LTMy"  # noqa: S105 - of the tests
HANG_SECONDS = 30


def answer(status: int, *headers: str, body: bytes = b"", length: int | None = None) -> bytes:
    """An HTTP answer as it goes over the wire; `length` is what it says about itself."""
    said = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} X", *headers, f"content-length: {said}", "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class Receiver:
    """One listening socket, one thread per connection; `ways` are names of WAYS, drawn evenly."""

    ways: Sequence[str] = ("ok",)
    seed: int = 7
    arrived: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    times: dict[str, float] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._listening.getsockname()[1])
        self._draws, self._turn, self._stop = random.Random(self.seed), threading.Lock(), threading.Event()
        self._signed = standardwebhooks.Webhook(SECRET)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self.port}/touch"

    def close(self) -> None:
        """Stop listening and let go of what hangs."""
        self._stop.set()
        self._listening.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while not self._stop.is_set() and self._one(connection):
                pass

    def _one(self, connection: socket.socket) -> bool:
        """Answer one request; False when the connection is not to be used again."""
        found = _request(connection)
        if found is None:
            return False
        with self._turn:
            way = self._draws.choice(list(self.ways))
        is_kept, respond = WAYS[way]
        if is_kept:
            self._keep(*found)
        return respond(connection, self._stop)

    def _keep(self, headers: dict[str, str], body: bytes) -> None:
        name = headers["webhook-id"]
        try:
            self._signed.verify(body, headers, json_parse=False)
        except (standardwebhooks.WebhookVerificationError, ValueError):
            self.refused += 1
            return
        with self._turn:
            self.arrived[name] += 1
            self.times.setdefault(name, time.monotonic())
            self.bodies[name] = body


@contextmanager
def receiving(*ways: str, seed: int = 7) -> Iterator[Receiver]:
    """A receiver with these ways, closed at the end."""
    receiver = Receiver(ways or ("ok",), seed)
    try:
        yield receiver
    finally:
        receiver.close()


def _request(connection: socket.socket) -> tuple[dict[str, str], bytes] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    pairs = (line.split(":", 1) for line in head.decode().split("\r\n")[1:])
    headers = {name.lower(): value.strip() for name, value in pairs}
    while len(body) < int(headers.get("content-length", "0")):
        part = connection.recv(65_536)
        if not part:
            return None
        body += part
    return headers, body


Respond = Callable[[socket.socket, threading.Event], bool]


def _says(content: bytes, keeps: bool = True) -> Respond:
    def respond(connection: socket.socket, _: threading.Event) -> bool:
        connection.sendall(content)
        return keeps

    return respond


def _hangs(_: socket.socket, stop: threading.Event) -> bool:
    stop.wait(HANG_SECONDS)
    return False


def _drips(connection: socket.socket, stop: threading.Event) -> bool:
    for byte in answer(200, body=b"x" * 1_000):
        connection.sendall(bytes([byte]))
        if stop.wait(0.05):
            break
    return False


def _resets(connection: socket.socket, _: threading.Event) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    return False


def _pours(connection: socket.socket, stop: threading.Event) -> bool:
    connection.sendall(answer(200, length=10**12))
    while not stop.is_set():
        connection.sendall(b"x" * 65_536)
    return False


# Whether the message counts as arrived, and what is answered.
WAYS: dict[str, tuple[bool, Respond]] = {
    "ok": (True, _says(answer(200, body=b"thanks"))),
    "accepted": (True, _says(answer(202))),
    "too many": (False, _says(answer(429, "retry-after: 0"))),
    "error": (False, _says(answer(500))),
    "bad gateway": (False, _says(answer(502, body=b"<html>"))),
    "unavailable": (False, _says(answer(503, "retry-after: Thu, 01 Jan 2015 00:00:00 GMT"))),
    "hangs": (True, _hangs),
    "drips": (True, _drips),
    "closes": (True, _says(b"", keeps=False)),
    "resets": (True, _resets),
    "closes mid-body": (True, _says(answer(200, body=b"half", length=1_000), keeps=False)),
    "claims too little": (True, _says(answer(200, body=b"more than that", length=2), keeps=False)),
    "pours": (True, _pours),
    "no http": (True, _says(b"220 mail.example ESMTP\r\n", keeps=False)),
    "redirect": (False, _says(answer(307, "location: http://169.254.169.254/latest/meta-data"))),
    "unwanted": (False, _says(answer(400))),
    "gone": (False, _says(answer(410))),
}
