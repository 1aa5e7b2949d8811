"""The link in a message: GET shows a page with a button and changes nothing, for scanners follow links; POST acts.

Mail programs post `List-Unsubscribe=One-Click` (RFC 8058), the button does the same. The token is the proof: what else
the body says does not matter, and no redirect is answered.
"""

from __future__ import annotations

import time

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from features.errors import ServingError
from serving.desk import Desk
from serving.limits import Held, read_bytes
from serving.outbox.tables import EVERY_CHANNEL
from serving.problems import Problem
from serving.unsubscribe import by_link, not_written
from serving.unsubscribe_link import ONE_CLICK, read_token, token_in

_NAME, _, _VALUE = ONE_CLICK.partition("=")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Unsubscribe</title></head>
<body><main>{content}</main></body>
</html>
"""
_ASK = _PAGE.format(
    content="<h1>Unsubscribe</h1><p>We will not write to you any more.</p>"
    f'<form method="post"><input type="hidden" name="{_NAME}" value="{_VALUE}"><button>Unsubscribe</button></form>'
)
_DONE = _PAGE.format(content="<h1>Done</h1><p>You are unsubscribed. Nothing more is needed.</p>")


async def one_click(request: Request, held: Held) -> Response:
    """The page, or what the button does; raises Problem for a link that is not ours."""
    desk: Desk = request.app.state.desk
    link = read_token(token_in(request.url.query.encode()) or "", desk.key)
    if link is None:
        raise Problem("token", "The link is cut off or not ours; copy it whole.", "token")
    if request.method != "POST":
        return HTMLResponse(_ASK, headers=_HEADERS)
    await read_bytes(request, held)
    try:
        await to_thread.run_sync(by_link, desk.inbox.engine, link, time.time_ns() // 1000)
    except ServingError as error:
        raise not_written(error) from error
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(_DONE, headers=_HEADERS)
    return JSONResponse({"unsubscribed": True, "channel": EVERY_CHANNEL}, headers=_HEADERS)
