"""Trend: a window against the one of the same length before it."""

from __future__ import annotations

from features.past import Column, Past
from features.registry import feature


@feature(unit="count", empty=0.0, windows_days=(90, 180), windows_back=2)
def orders_trend(past: Past) -> Column:
    """Orders in the window minus those in the window before."""
    return past.of("order").count() - past.earlier().of("order").count()


@feature(unit="money", empty=0.0, windows_days=(90, 180), needs=("revenue",), windows_back=2)
def spend_trend(past: Past) -> Column:
    """Order value in the window minus that in the window before."""
    return past.of("order").sum("revenue") - past.earlier().of("order").sum("revenue")


@feature(unit="count", empty=0.0, windows_days=(14, 30, 90), needs=("session",), windows_back=2)
def sessions_trend(past: Past) -> Column:
    """Visits in the window minus those in the window before."""
    return past.of("session").count() - past.earlier().of("session").count()


@feature(unit="count", empty=0.0, windows_days=(30, 90), needs=("email_open",), windows_back=2)
def emails_opened_trend(past: Past) -> Column:
    """E-mails opened in the window minus those in the window before."""
    return past.of("email_open").count() - past.earlier().of("email_open").count()
