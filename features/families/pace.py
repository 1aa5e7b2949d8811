"""Pace: signs of interest beside the customer's own habit, because whoever leaves fades before the orders stop.

A visit every week and then none for a month says what no count does: the same month is nothing for somebody who comes
twice a year.
"""

from __future__ import annotations

from features.kinds import INTEREST_KINDS
from features.past import Column, Events, EventsTogether, Past, ratio
from features.registry import feature


@feature(unit="days", empty=None, needs=("session",))
def session_gap_mean_days(past: Past) -> Column:
    """Mean gap between visits; missing with fewer than two."""
    return _gap_mean_days(past.of("session"))


@feature(unit="ratio", empty=None, needs=("session",))
def silence_over_session_gap(past: Past) -> Column:
    """Days since the last visit over the mean gap between visits."""
    return _silence_over_gap(past.of("session"))


@feature(unit="ratio", empty=None, needs=("engagement",))
def silence_over_interest_gap(past: Past) -> Column:
    """Days since the last sign of interest (as in days_since_last_engagement) over the mean gap between them."""
    return _silence_over_gap(past.of(*INTEREST_KINDS))


@feature(unit="ratio", empty=None, needs=("email_open",))
def silence_over_email_open_gap(past: Past) -> Column:
    """Days since the last e-mail opened over the mean gap between opens."""
    return _silence_over_gap(past.of("email_open"))


@feature(unit="days", empty=None, per_half_life=True, needs=("session",))
def sessions_pace(past: Past) -> Column:
    """Visits, each worth half after every half-life, times the days for one since the first: more is livelier."""
    sessions = past.of("session")
    return sessions.decayed() * ratio(sessions.days_since_first(), sessions.count())


@feature(unit="ratio", empty=None, windows_days=(30, 90), needs=("session",))
def sessions_over_usual(past: Past) -> Column:
    """Visits in the window over what the pace before it would bring; missing without a visit before."""
    before, days = past.before().of("session"), past.days or 0
    return ratio(past.of("session").count(), before.count()) * (before.days_since_first() - days) / days


def _silence_over_gap(events: Events | EventsTogether) -> Column:
    return ratio(events.days_since_last(), _gap_mean_days(events))


def _gap_mean_days(events: Events | EventsTogether) -> Column:
    return ratio(events.days_since_first() - events.days_since_last(), events.count() - 1.0)
