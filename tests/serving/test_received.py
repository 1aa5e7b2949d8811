"""Received rows on another machine that does not answer: last night's answers, and nobody waits in line for them."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pandas as pd
import pytest

from serving import received
from serving.app import routes_app
from serving.desk import Desk
from serving.inbox.database import connect
from serving.inbox.inbox import Inbox, Rest


@contextmanager
def hanging_up() -> Iterator[tuple[int, list[int]]]:
    """A server that hangs up on everybody; its port, and one entry per caller."""
    callers: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    caller, (_, port) = listener.accept()
                except OSError:
                    return
                callers.append(port)
                caller.close()

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1], callers
        listener.shutdown(socket.SHUT_RDWR)


def remote(port: int) -> Inbox:
    return Inbox(connect(f"postgresql+psycopg://me@127.0.0.1:{port}/shop"))


@pytest.fixture
def names(run: Path) -> list[str]:
    return pd.read_parquet(run / "data/scores.parquet")["customer_id"].tolist()[:3]


def test_after_a_failure_nobody_asks_again_for_a_while(desk: Desk, names: list[str]) -> None:
    with hanging_up() as (port, callers):
        inbox = replace(remote(port), unreachable=Rest(3_600))
        assert received.histories(inbox, desk.store, names) == {}
        asked = len(callers)
        assert asked >= 1
        assert [received.histories(inbox, desk.store, names) for _ in range(5)] == [{}] * 5
        assert len(callers) == asked


def test_when_the_rest_is_over_it_is_asked_again(desk: Desk, names: list[str]) -> None:
    with hanging_up() as (port, callers):
        inbox = replace(remote(port), unreachable=Rest(0))
        received.histories(inbox, desk.store, names)
        asked = len(callers)
        received.histories(inbox, desk.store, names)
        assert len(callers) == 2 * asked


def test_while_one_waits_for_another_machine_the_rest_are_answered(desk: Desk, names: list[str], run: Path) -> None:
    """A machine that takes the call and says nothing: other pages answer meanwhile, then the score is last night's."""

    async def asked(port: int, hang_up: socket.socket) -> tuple[bool, httpx.Response]:
        app = routes_app()
        app.state.desk = replace(desk, inbox=remote(port))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            body = {"customers": [{"customer_id": name} for name in names]}
            score = asyncio.create_task(client.post("/v1/score", json=body))
            await asyncio.sleep(0.1)
            assert (await client.get("/openapi.json")).status_code == 200
            waiting = not score.done()
            hang_up.close()
            return waiting, await score

    with socket.create_server(("127.0.0.1", 0)) as listener:
        waiting, answer = asyncio.run(asked(listener.getsockname()[1], listener))
    assert waiting
    nightly = pd.read_parquet(run / "data/scores.parquet").set_index("customer_id")["churn_probability"]
    found = [entry["churn_probability"] for entry in answer.json()["customers"]]
    assert found == nightly.loc[names].tolist()
