"""The kinds of event, in the one order that gives each its code."""

from __future__ import annotations

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
