"""Signed links to unsubscribe by one click (RFC 8058): they name nobody without the key, and never run out.

A link holds the message's id, the person's keyed hash, the channel, and an HMAC of the three; whoever can read the
message may use it, nobody can make one for somebody else. Not by the open key of the demo: a shop sets its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import NamedTuple
from urllib.parse import parse_qsl

UNSUBSCRIBE_PAGE = "/v1/unsubscribe"
ONE_CLICK = "List-Unsubscribe=One-Click"
_PURPOSE, _TOKEN, _MAC_BYTES = b"unsubscribe\0", "token", 16


class Link(NamedTuple):
    """What a link says; none of the three holds a dot."""

    message_id: str
    person: str
    channel: str


def one_click_url(base: str, link: Link, key: bytes) -> str:
    """The address for the header List-Unsubscribe; `base` is where the world reaches the endpoint."""
    return f"{base.rstrip('/')}{UNSUBSCRIBE_PAGE}?{_TOKEN}={'.'.join(link)}.{_signature(link, key)}"


def one_click_headers(url: str) -> dict[str, str]:
    """The two headers a message carries; the shop's DKIM signature must cover both."""
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": ONE_CLICK}


def token_in(query: bytes) -> str | None:
    """The token of a query string, empty if it has none to say; None when the query does not speak of one."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return next((value for name, value in pairs if name == _TOKEN), None)


def read_token(token: str, key: bytes) -> Link | None:
    """What the token says, None when it was not made with this key."""
    *parts, shown = token.split(".")
    if len(parts) != len(Link._fields):
        return None
    link = Link(*parts)
    return link if hmac.compare_digest(shown.encode(), _signature(link, key).encode()) else None


def _signature(link: Link, key: bytes) -> str:
    mac = hmac.digest(key, _PURPOSE + ".".join(link).encode(), hashlib.sha256)[:_MAC_BYTES]
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
