"""What a customer's events say to the gates: touches, asks, complaints, open tickets, returns.

One implementation for the nightly plan and for a request, built on the as-of engine, so that nothing at or after the
instant counts. Ages are in days; NaN means it never happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.grid import Grid
from features.log import EventLog, Ints, engagement_stream
from features.past import Past
from features.rows import Rows
from serving.breaker import share_of
from serving.hours import local_day, next_allowed
from serving.policy import Policy

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]
HISTORY_KINDS = ("touch", "unsubscribe", "spam_complaint", "ticket_opened", "ticket_closed", "refund", "cancellation")
SENT_KINDS = ("email_sent", "sms_sent", "push_sent", "touch")
# Begins the ids of events that a provider's report became: the message it delivered is our touch, counted already.
OUTCOME_ID = "outcome:"
_ASK = "ask"


@dataclass(frozen=True)
class Events:
    """Events of HISTORY_KINDS as aligned arrays; `customer` is a position among the ids asked about, time in µs UTC."""

    customer: Ints
    time: Ints
    kind: Texts
    subject: Texts

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, object, object]]) -> Events:
        """Events from rows of customer, time, kind and subject."""
        customer, time, kind, subject = zip(*rows, strict=True) if rows else ((), (), (), ())
        return cls(
            np.array(customer, dtype=np.int64),
            np.array(time, dtype=np.int64),
            np.array(kind, dtype=object),
            np.array(subject, dtype=object),
        )

    def where(self, chosen: Flags) -> Events:
        """Only the chosen events."""
        return Events(self.customer[chosen], self.time[chosen], self.kind[chosen], self.subject[chosen])


@dataclass(frozen=True)
class History:
    """One value per customer; `days_since_action` has one column per action, in the policy's order.

    `touches_today` counts the local day on which a message could next go out.
    """

    suppressed: Flags
    touches: Floats
    asks: Floats
    touches_30d: Floats
    touches_today: Floats
    days_since_last_touch: Floats
    days_since_action: Floats
    open_ticket: Flags
    open_return: Flags


def gather_history(
    customers: int, events: Events, as_of_us: int, policy: Policy, zones: Sequence[str] | Texts | None = None
) -> History:
    """The history of `customers` people as known just before `as_of_us`; without zones all live in the default one."""
    touch = events.where(events.kind == "touch")
    actions = np.array([action_of(subject) for subject in touch.subject], dtype=object)
    asks = touch.where(np.array([_is_ask(name, policy) for name in actions], dtype=bool))
    log = _log(customers, {kind: events.where(events.kind == kind) for kind in HISTORY_KINDS} | {_ASK: asks})
    ever, month, returns = (_past(log, as_of_us, days) for days in (None, 30, policy.open_return_days))
    by_action = [
        _past(_log(customers, {"touch": touch.where(actions == name)}), as_of_us, None) for name in policy.actions
    ]
    return History(
        suppressed=ever.of("unsubscribe", "spam_complaint").count() > 0,
        touches=ever.of("touch").count(),
        asks=ever.of(_ASK).count(),
        touches_30d=month.of("touch").count(),
        touches_today=_touches_today(log, as_of_us, policy, [""] * customers if zones is None else zones),
        days_since_last_touch=ever.of("touch").days_since_last(),
        days_since_action=np.column_stack([past.of("touch").days_since_last() for past in by_action]),
        open_ticket=_has_open_ticket(customers, events, as_of_us, policy.open_ticket_days),
        open_return=returns.of("refund", "cancellation").count() > 0,
    )


def complaints_and_sent(time: Mapping[str, Ints], as_of_us: int) -> tuple[int, int]:
    """Spam complaints and messages sent in the shop's last 30 days."""
    shop = {kind: _all_of_one(times) for kind, times in time.items()}
    month = _past(_log(1, shop), as_of_us, 30)
    return int(month.of("spam_complaint").count()[0]), int(month.of(*SENT_KINDS).count()[0])


def complaint_share(time: Mapping[str, Ints], as_of_us: int) -> float:
    """Spam complaints per message sent in the shop's last 30 days; 1 when there are complaints but no messages."""
    return share_of(*complaints_and_sent(time, as_of_us))


def data_age_days(time: Mapping[str, Ints], as_of_us: int) -> float:
    """Days since the shop's last event of any of these kinds; infinite without one."""
    ages = _past(_log(1, {kind: _all_of_one(times) for kind, times in time.items()}), as_of_us, None)
    age = float(ages.of(*time).days_since_last()[0])
    return float("inf") if np.isnan(age) else age


def action_of(subject: object) -> str:
    """The action's name in a touch's subject, "<action>:<touch id>"; empty for a subject of another form."""
    name, colon, _ = str(subject).partition(":")
    return name if colon else ""


def _touches_today(log: EventLog, as_of_us: int, policy: Policy, zones: Sequence[str] | Texts) -> Floats:
    since = {zone: _day_start(as_of_us, zone, policy) for zone in set(zones)}
    instants, place = np.unique(np.array([since[zone] for zone in zones], dtype=np.int64), return_inverse=True)
    grid = Grid(log, np.append(instants, as_of_us), (0,))
    people = np.arange(len(zones))
    before, now = (
        Past(Rows(grid, people, cutoff), None, horizon_days=1).of("touch").count()
        for cutoff in (place.astype(np.int64), np.full(len(zones), len(instants), dtype=np.int64))
    )
    touches: Floats = now - before
    return touches


def _day_start(as_of_us: int, zone: str, policy: Policy) -> int:
    """When the local day of the next sending began; a day still to come has no touches yet."""
    sending = next_allowed(as_of_us, zone, policy.quiet_hours, policy.default_timezone)
    return min(local_day(sending, zone, policy.default_timezone)[0], as_of_us)


def _is_ask(name: str, policy: Policy) -> bool:
    # A touch of unknown origin counts as an ask: it may well have been a sales pitch.
    action = policy.actions.get(name)
    return action is None or action.intent == "ask"


def _has_open_ticket(customers: int, events: Events, as_of_us: int, days: int) -> Flags:
    """True when a ticket was opened in the last `days` and its own subject has no close yet."""
    tickets = events.where(np.isin(events.kind.astype(str), ["ticket_opened", "ticket_closed"]))
    names = [f"{customer}:{subject}" for customer, subject in zip(tickets.customer, tickets.subject, strict=True)]
    ticket, place = np.unique(np.array(names, dtype=str), return_inverse=True)
    each = Events(place.astype(np.int64), tickets.time, tickets.kind, tickets.subject)
    log = _log(len(ticket), {kind: each.where(each.kind == kind) for kind in ("ticket_opened", "ticket_closed")})
    opened = _past(log, as_of_us, days).of("ticket_opened").count()
    closed = _past(log, as_of_us, None).of("ticket_closed").count()
    ever = _past(log, as_of_us, None).of("ticket_opened").count()
    still_open = (opened > 0) & (closed < ever)
    owner = np.zeros(len(ticket), dtype=np.int64)
    owner[place] = tickets.customer
    return np.bincount(owner[still_open], minlength=customers) > 0


def _past(log: EventLog, as_of_us: int, days: int | None) -> Past:
    count = len(log.customer_ids)
    grid = Grid(log, np.array([as_of_us], dtype=np.int64), tuple({0, days or 0}))
    return Past(Rows(grid, np.arange(count), np.zeros(count, dtype=np.int64)), days, horizon_days=1)


def _log(customers: int, events: Mapping[str, Events]) -> EventLog:
    kind = np.repeat(np.arange(len(events)), [len(chosen.time) for chosen in events.values()])
    columns = {
        "kind": kind,
        "customer": np.concatenate([chosen.customer for chosen in events.values()]),
        "time": np.concatenate([chosen.time for chosen in events.values()]),
    }
    return EventLog(tuple(map(str, range(customers))), (engagement_stream(columns, tuple(events)),))


def _all_of_one(times: Ints) -> Events:
    nothing = np.full(len(times), None, dtype=object)
    return Events(np.zeros(len(times), dtype=np.int64), times, nothing, nothing)
