"""The time an answer may take to begin; after it, 504 as problem details.

In place of BentoML's middleware of that purpose, which leaves a timer behind for every request, a minute long: after a
minute of load tens of thousands of them stand in the event loop, and each sweep of the collector halts all answers.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.guard import as_response
from serving.metrics import count_answer
from serving.problems import Problem


class Deadline:
    """ASGI middleware; what is under way when time is up goes on to its end unseen, and keeps its place until then."""

    def __init__(self, app: ASGIApp, timeout: float) -> None:
        self.app = app
        self.seconds = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer for it when time is up."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        begun: asyncio.Future[bool] = loop.create_future()

        def settle(in_time: bool) -> None:
            if not begun.done():
                begun.set_result(in_time)

        async def noting(message: Message) -> None:
            settle(in_time=True)
            await send(message)

        timer = loop.call_later(self.seconds, settle, False)
        work = asyncio.ensure_future(self.app(scope, receive, noting))
        work.add_done_callback(lambda _: settle(in_time=True))
        try:
            in_time = await begun
        finally:
            timer.cancel()
        if in_time:
            await work
            return
        work.cancel()
        count_answer(scope["path"], 504)
        told = f"No answer within {self.seconds:g} s; ask for fewer customers at once. What writes may still be done."
        await as_response(Problem("late", told))(scope, receive, send)
