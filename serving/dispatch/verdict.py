"""May this message still go out? The gates of the decision once more, with all that was learned since. Pure.

The first gate that says no is the reason; what only has to wait for the morning is moved there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Literal, NamedTuple

from features.log import DAY_US
from serving.dispatch.grounds import Grounds
from serving.facts import CHANNELS
from serving.hours import local_day, next_allowed
from serving.requests import microseconds


class Due(NamedTuple):
    """The message looked at, and the instant."""

    action: str
    intent: str
    channel: str
    expires_at_us: int
    now_us: int


class Verdict(NamedTuple):
    """Send it now, wait until an instant, or never; `reason` is the gate."""

    what: Literal["send", "wait", "cancelled", "expired"]
    reason: str | None = None
    wait_until_us: int = 0


Gate = Callable[[Due, Grounds], bool]
SEND = Verdict("send")


def verdict(due: Due, grounds: Grounds) -> Verdict:
    """What becomes of the message; suppressions, switches and the complaint breaker were asked before."""
    if due.expires_at_us <= due.now_us:
        return Verdict("expired", "expired")
    refused = next((name for name, gate in GATES.items() if not gate(due, grounds)), None)
    if refused is not None:
        return Verdict("cancelled", refused)
    policy = grounds.policy
    opens_us = next_allowed(due.now_us, _zone(grounds), policy.quiet_hours, policy.default_timezone)
    if opens_us <= due.now_us:
        return SEND
    return (
        Verdict("wait", "quiet_hours", opens_us) if opens_us < due.expires_at_us else Verdict("expired", "quiet_hours")
    )


def _in_policy(due: Due, grounds: Grounds) -> bool:
    return due.action in grounds.policy.actions


def _consented(due: Due, grounds: Grounds) -> bool:
    consent = grounds.facts["consent"]
    known = consent if isinstance(consent, list) else [None] * len(CHANNELS)
    yes = [grounds.policy.assume_consent if one is None else float(one) == 1.0 for one in known]
    # A task is for a colleague, who speaks to the person: it needs a yes to anything.
    return yes[CHANNELS.index(due.channel)] if due.channel in CHANNELS else any(yes)


def _not_bought_since(_: Due, grounds: Grounds) -> bool:
    # Also an order of before the decision that only came in after it, while it may still be on its way.
    open_us = grounds.as_of_us - grounds.policy.open_order_days * DAY_US
    orders = [each for each in grounds.news if each.kind == "order"]
    return all(microseconds(datetime.fromisoformat(str(order.content["ordered_at"]))) < open_us for order in orders)


def _no_open_ticket(_: Due, grounds: Grounds) -> bool:
    closed = {each.content.get("subject") for each in grounds.news if each.kind == "ticket_closed"}
    opened = {each.content.get("subject") for each in grounds.news if each.kind == "ticket_opened"}
    return opened <= closed


def _no_open_return(due: Due, grounds: Grounds) -> bool:
    since = due.now_us - grounds.policy.open_return_days * DAY_US
    return not any(each.kind in ("refund", "cancellation") and each.known_at_us >= since for each in grounds.news)


def _fresh(due: Due, grounds: Grounds) -> bool:
    return grounds.data_age_days + (due.now_us - grounds.as_of_us) / DAY_US <= grounds.policy.max_data_age_days


def _below_cap(due: Due, grounds: Grounds) -> bool:
    # Which of the decision's 30 days have passed since is not known: all of its touches still count.
    policy, month_ago = grounds.policy, due.now_us - 30 * DAY_US
    known = _number(grounds, "touches_30d") if grounds.as_of_us > month_ago else 0.0
    recent = sum(touch.at_us > month_ago for touch in grounds.touches)
    return known + recent < policy.max_touches_per_30_days


def _rested(due: Due, grounds: Grounds) -> bool:
    policy, known_us = grounds.policy, _last_known_touch_us(grounds)
    times = [touch.at_us for touch in grounds.touches] + ([] if known_us is None else [known_us])
    today_us, _ = local_day(due.now_us, _zone(grounds), policy.default_timezone)
    today = sum(touch.at_us >= today_us for touch in grounds.touches)
    if known_us is not None and known_us >= today_us:
        today += max(1, round(_number(grounds, "touches_today")))
    has_rested = due.now_us - max(times, default=-math.inf) >= policy.min_days_between_touches * DAY_US
    return has_rested and today < policy.max_touches_per_local_day


def _asks_seldom(due: Due, grounds: Grounds) -> bool:
    if due.intent != "ask":
        return True
    asks = _number(grounds, "asks") + sum(touch.is_ask for touch in grounds.touches)
    touches = _number(grounds, "touches") + len(grounds.touches)
    # One part in a billion, as in serving/gates.py.
    return asks + 1 <= grounds.policy.max_ask_share * (touches + 1) + 1e-9


def _cooled_down(due: Due, grounds: Grounds) -> bool:
    action = grounds.policy.actions[due.action]
    since = due.now_us - action.cooldown_days * DAY_US
    return not any(touch.action == due.action and touch.at_us > since for touch in grounds.touches)


GATES: dict[str, Gate] = {
    "other_policy": _in_policy,
    "no_consent": _consented,
    "bought_since": _not_bought_since,
    "open_ticket": _no_open_ticket,
    "open_return": _no_open_return,
    "stale_data": _fresh,
    "frequency_cap": lambda due, grounds: _below_cap(due, grounds) and _rested(due, grounds),
    "ask_ratio": _asks_seldom,
    "cooldown": _cooled_down,
}


def _last_known_touch_us(grounds: Grounds) -> int | None:
    days = grounds.facts["days_since_last_touch"]
    return None if days is None else round(grounds.as_of_us - float(str(days)) * DAY_US)


def _number(grounds: Grounds, name: str) -> float:
    return float(str(grounds.facts[name]))


def _zone(grounds: Grounds) -> str:
    return str(grounds.facts["timezone"] or "")
