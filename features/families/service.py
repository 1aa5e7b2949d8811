"""Service and feedback: tickets, reviews, surveys, referrals, loyalty."""

from __future__ import annotations

from features.past import Column, Past
from features.registry import feature


@feature(unit="count", empty=0.0, windows_days=(30, 90, 365), needs=("ticket_opened",))
def tickets_opened(past: Past) -> Column:
    """Support tickets opened in the window."""
    return past.of("ticket_opened").count()


@feature(unit="count", empty=0.0, needs=("ticket_opened", "ticket_closed"))
def tickets_open(past: Past) -> Column:
    """Support tickets opened and not yet closed."""
    return past.of("ticket_opened").count() - past.of("ticket_closed").count()


@feature(unit="count", empty=0.0, windows_days=(365,), needs=("review",))
def reviews(past: Past) -> Column:
    """Reviews written in the window."""
    return past.of("review").count()


@feature(unit="rating", empty=None, needs=("review",))
def review_mean(past: Past) -> Column:
    """Mean rating of the reviews so far, 1 to 5."""
    return past.of("review").mean()


@feature(unit="rating", empty=None, needs=("nps",))
def nps_mean(past: Past) -> Column:
    """Mean answer to "would you recommend us", 0 to 10."""
    return past.of("nps").mean()


@feature(unit="count", empty=0.0, windows_days=(365,), needs=("referral",))
def referrals(past: Past) -> Column:
    """Friends referred in the window."""
    return past.of("referral").count()


@feature(unit="count", empty=0.0, windows_days=(365,), needs=("loyalty_redeemed",))
def loyalty_redeemed(past: Past) -> Column:
    """Loyalty rewards redeemed in the window."""
    return past.of("loyalty_redeemed").count()
