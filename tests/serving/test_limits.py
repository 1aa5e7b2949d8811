"""What a worker takes on: requests at once, bytes held, rows, time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from starlette.requests import Request
from starlette.types import Message

from serving.limits import Room, read_body
from serving.problems import Problem
from serving.settings import Serve


def room(**limits: float) -> Room:
    usual = {"port": 1, "max_customers": 2, "max_body_bytes": 100, "max_held_bytes": 150}
    return Room(Serve.model_validate({**usual, **limits}))


def asked(pieces: Iterator[bytes], wait_seconds: float = 0, **headers: str) -> Request:
    """A request whose body comes in pieces, each after a wait."""

    async def receive() -> Message:
        await asyncio.sleep(wait_seconds)
        piece = next(pieces, b"")
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    sent = {"content-type": "application/json", **headers}
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()]
    return Request({"type": "http", "method": "POST", "headers": pairs}, receive)


def body_of(place: Room, request: Request) -> bytes:
    async def read() -> bytes:
        with place.holding() as held:
            return bytes(await read_body(request, held))

    return asyncio.run(read())


def refused(doing: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as raised:
        doing()
    return raised.value


def test_a_body_is_put_together_and_its_room_given_back() -> None:
    place = room()
    assert body_of(place, asked(iter([b'{"a"', b": 1}"]))) == b'{"a": 1}'
    assert place.held_bytes == 0


def test_one_request_more_than_fits_is_told_when_to_come_back() -> None:
    place = room(max_requests=2)
    with place.entered(), place.entered():
        problem = refused(lambda: place.entered().__enter__())
        assert problem.status == 429
        assert problem.headers == {"Retry-After": "1"}
    with place.entered():
        assert place.requests == 1


def test_a_body_without_a_declared_length_stops_at_the_limit() -> None:
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            read.append(1)
            yield b" " * 40

    place = room()
    problem = refused(lambda: body_of(place, asked(endless())))
    assert (problem.status, problem.field) == (413, "body")
    assert len(read) == 3
    assert place.held_bytes == 0


def test_a_declared_length_over_the_limit_is_refused_unread() -> None:
    never = iter(())
    assert refused(lambda: body_of(room(), asked(never, content_length="101"))).status == 413


def test_all_bodies_together_are_limited() -> None:
    place = room()
    with place.holding() as other:
        other.add(b" " * 90)
        assert refused(lambda: body_of(place, asked(iter([b" " * 80])))).status == 429
    assert body_of(place, asked(iter([b" " * 80]))) == b" " * 80


def test_a_slow_body_is_given_up() -> None:
    problem = refused(lambda: body_of(room(body_seconds=0.05), asked(iter([b"{"] * 99), wait_seconds=0.02)))
    assert (problem.status, problem.field) == (408, "body")
    assert problem.headers == {"Connection": "close"}


def test_rows_are_counted_before_they_become_objects() -> None:
    place = room(max_rows=3)
    assert body_of(place, asked(iter([b"{" * 6])))
    problem = refused(lambda: body_of(place, asked(iter([b"{" * 7]))))
    assert (problem.status, problem.field) == (422, "body")


def test_a_compressed_body_is_refused_unread() -> None:
    problem = refused(lambda: body_of(room(), asked(iter(()), content_encoding="gzip")))
    assert (problem.status, problem.field) == (415, "Content-Encoding")
