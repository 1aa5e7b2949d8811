"""What one worker takes on: requests at once, bytes of all their bodies together, rows, and time for a body to come.

A request over a limit is refused at once, before it costs memory; nothing waits in a queue that can grow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request

from serving.problems import Problem
from serving.settings import Serve

RETRY_SECONDS = 1


@dataclass
class Room:
    """What is taken of a worker's capacity now; used on the event loop alone."""

    limits: Serve
    requests: int = 0
    held_bytes: int = 0
    # Large bodies one after the other: side by side they would take no less time and the memory of all at once.
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    @contextmanager
    def entered(self) -> Iterator[None]:
        """A place for one request; raises Problem when all are taken."""
        if self.requests >= self.limits.max_requests:
            raise busy(f"{self.requests} requests are being answered")
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1

    @contextmanager
    def holding(self) -> Iterator[Held]:
        """Room for one body, given back at the end."""
        held = Held(self)
        try:
            yield held
        finally:
            self.held_bytes -= len(held.body)


@dataclass
class Held:
    """A body as it comes."""

    room: Room
    body: bytearray = field(default_factory=bytearray)

    def add(self, chunk: bytes) -> None:
        """Keep a piece; raises Problem when the body or all bodies together are too large."""
        limits = self.room.limits
        if len(self.body) + len(chunk) > limits.max_body_bytes:
            raise _too_large(limits.max_body_bytes)
        if self.room.held_bytes + len(chunk) > limits.max_held_bytes:
            raise busy("other large requests are being answered")
        self.body += chunk
        self.room.held_bytes += len(chunk)


def busy(why: str) -> Problem:
    """429 with the time to come back."""
    told = f"Now {why}; come back in {RETRY_SECONDS} s, or run more workers."
    return Problem("busy", told, headers={"Retry-After": str(RETRY_SECONDS)})


async def read_body(request: Request, held: Held) -> bytearray:
    """The body; raises Problem when it is not plain JSON, too large, too slow or has too many rows."""
    _refuse_other_media(request)
    body = await read_bytes(request, held)
    _refuse_too_many_rows(body, held.room.limits)
    return body


async def read_bytes(request: Request, held: Held) -> bytearray:
    """The body, whatever it is; raises Problem when it is too large or too slow."""
    limits = held.room.limits
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limits.max_body_bytes:
        raise _too_large(limits.max_body_bytes)
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                held.add(chunk)
    except TimeoutError as error:
        told = f"The body had not come after {limits.body_seconds:g} s; send it faster, or less of it."
        raise Problem("slow", told, "body", headers={"Connection": "close"}) from error
    return held.body


def _refuse_other_media(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem("media-type", "Send Content-Type: application/json.", "Content-Type")
    # Nothing is ever unpacked, so no small body can become a large one.
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem("media-type", "Send the body uncompressed.", "Content-Encoding")


def _refuse_too_many_rows(body: bytearray, limits: Serve) -> None:
    # Counted in the bytes: rows that became objects would already have cost the memory. The customers' own braces are
    # allowed for; those inside of texts count too, far too few to matter.
    if body.count(b"{") - 1 - limits.max_customers > limits.max_rows:
        told = f"The body has more than {limits.max_rows} rows; send fewer customers or events at once."
        raise Problem("too-many-rows", told, "body")


def _too_large(most: int) -> Problem:
    return Problem("too-large", f"The body is larger than {most} bytes; send fewer customers at once.", "body")
