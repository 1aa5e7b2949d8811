"""E-mail and push engagement; machine opens and clicks never get here."""

from __future__ import annotations

from features.past import Column, Past, ratio
from features.registry import feature


@feature(unit="count", empty=0.0, windows_days=(30, 90, None), needs=("email_sent",))
def emails_sent(past: Past) -> Column:
    """E-mails sent to the customer in the window."""
    return past.of("email_sent").count()


@feature(unit="count", empty=0.0, windows_days=(30, 90, None), needs=("email_open",))
def emails_opened(past: Past) -> Column:
    """E-mails opened in the window."""
    return past.of("email_open").count()


@feature(unit="count", empty=0.0, windows_days=(30, 90), needs=("email_click",))
def emails_clicked(past: Past) -> Column:
    """Clicks in e-mails in the window."""
    return past.of("email_click").count()


@feature(unit="share", empty=None, windows_days=(90, 365), needs=("email_sent", "email_open"))
def email_open_rate(past: Past) -> Column:
    """Opens for each e-mail sent."""
    return ratio(past.of("email_open").count(), past.of("email_sent").count())


@feature(unit="share", empty=None, per_half_life=True, needs=("email_sent", "email_open"))
def email_open_rate_decayed(past: Past) -> Column:
    """Opens for each e-mail sent, both worth half after every half-life: what is read of late."""
    return ratio(past.of("email_open").decayed(), past.of("email_sent").decayed())


@feature(unit="share", empty=None, windows_days=(90, 365), needs=("email_sent", "email_click"))
def email_click_rate(past: Past) -> Column:
    """Clicks for each e-mail sent."""
    return ratio(past.of("email_click").count(), past.of("email_sent").count())


@feature(unit="count", empty=0.0, windows_days=(90,), needs=("push_open",))
def pushes_opened(past: Past) -> Column:
    """Push messages opened in the window."""
    return past.of("push_open").count()


@feature(unit="count", empty=0.0, needs=("unsubscribe",))
def unsubscribes(past: Past) -> Column:
    """Times the customer unsubscribed."""
    return past.of("unsubscribe").count()


@feature(unit="count", empty=0.0, needs=("spam_complaint",))
def spam_complaints(past: Past) -> Column:
    """Times the customer complained of spam."""
    return past.of("spam_complaint").count()
