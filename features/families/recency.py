"""Recency: how long ago things last happened."""

from __future__ import annotations

from features.kinds import INTEREST_KINDS
from features.past import Column, Past
from features.registry import feature


@feature(unit="days", empty=None)
def days_since_last_order(past: Past) -> Column:
    """Days from the last order to the cutoff."""
    return past.of("order").days_since_last()


@feature(unit="days", empty=None, needs=("session",))
def days_since_last_session(past: Past) -> Column:
    """Days from the last visit to the shop's site."""
    return past.of("session").days_since_last()


@feature(unit="days", empty=None, needs=("product_view",))
def days_since_last_product_view(past: Past) -> Column:
    """Days from the last product looked at."""
    return past.of("product_view").days_since_last()


@feature(unit="days", empty=None, needs=("cart_add",))
def days_since_last_cart_add(past: Past) -> Column:
    """Days from the last product put into the cart."""
    return past.of("cart_add").days_since_last()


@feature(unit="days", empty=None, needs=("email_click",))
def days_since_last_email_click(past: Past) -> Column:
    """Days from the last click in an e-mail."""
    return past.of("email_click").days_since_last()


@feature(unit="days", empty=None, needs=("email_open",))
def days_since_last_email_open(past: Past) -> Column:
    """Days from the last e-mail opened."""
    return past.of("email_open").days_since_last()


@feature(unit="days", empty=None, needs=("push_open",))
def days_since_last_push_open(past: Past) -> Column:
    """Days from the last push message opened."""
    return past.of("push_open").days_since_last()


@feature(unit="days", empty=None, needs=("engagement",))
def days_since_last_engagement(past: Past) -> Column:
    """Days from the last sign of interest: a visit, view, search, cart, e-mail click or push opened."""
    return past.of(*INTEREST_KINDS).days_since_last()
