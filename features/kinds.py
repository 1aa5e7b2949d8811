"""The kinds of event, in the one order that gives each its code."""

from __future__ import annotations

import difflib

from features.errors import DataError

ORDER = "order"
ENGAGEMENT_KINDS: tuple[str, ...] = (
    "session",
    "product_view",
    "search",
    "cart_add",
    "email_sent",
    "email_open",
    "email_click",
    "push_sent",
    "push_open",
    "sms_sent",
    "refund",
    "cancellation",
    "ticket_opened",
    "ticket_closed",
    "review",
    "nps",
    "survey",
    "referral",
    "loyalty_redeemed",
    "unsubscribe",
    "spam_complaint",
    "touch",
)
KINDS: tuple[str, ...] = (ORDER, *ENGAGEMENT_KINDS)
INTEREST_KINDS: tuple[str, ...] = ("session", "product_view", "search", "cart_add", "email_click", "push_open")


def unknown_kind(kind: object, where: str) -> DataError:
    """The error of a kind nobody knows, with the place it was met and the nearest valid one."""
    near = difflib.get_close_matches(str(kind), KINDS, n=1, cutoff=0.6)
    meant = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(KINDS)}."
    return DataError(f"{where} has the kind {kind!r}, which is not known; {meant}")
