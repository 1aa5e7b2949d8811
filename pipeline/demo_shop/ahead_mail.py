"""Newsletters, push messages and the odd SMS of a month after t0, with human and machine opens, as in engagement.py.

Everyone's chances are drawn, whoever is still on the list, so that one person's leaving moves nobody else's.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from pipeline.demo_shop.ahead_people import MINUTE, MONTH_DAYS, Everybody
from pipeline.demo_shop.engagement import NEWSLETTER_DAYS, SMS_DAYS
from pipeline.demo_shop.events import NEWSLETTER, NOTHING, PUSH, Events, by_machine, happened, joined
from pipeline.demo_shop.habits import Flags, Floats, Ints
from pipeline.demo_shop.people import APP


class Readers(Protocol):
    """Who reads: everybody, who left the list when, and how much interest is left."""

    everybody: Everybody
    unsubscribed_at: Floats

    def interest(self, person: Ints, day: Floats) -> Floats:
        """Share of the usual interest left."""


def draw_letters(rng: np.random.Generator, readers: Readers, begin: float) -> Events:
    """All regular messages of the month that begins then, and what was opened and clicked."""
    people, start = readers.everybody.people, readers.everybody.scene.period.start
    never = np.full(len(people), np.inf)
    listed = readers.unsubscribed_at
    parts: list[Events] = []
    for number, day in _days(start + 5.3, NEWSLETTER_DAYS, begin):
        parts += _newsletter(rng, readers, _sent(rng, readers, people.consent_email, listed, day), number)
    for number, day in _days(start + 19.7, NEWSLETTER_DAYS, begin):
        who, when = _sent(rng, readers, people.channel == APP, never, day)
        parts += [happened("push_sent", who, when, subject=(PUSH, number))]
        parts += _opened(rng, readers, (who, when), "push_open", (PUSH, number))[:1]
    for number, day in _days(start + 33.5, SMS_DAYS, begin):
        parts.append(
            happened("sms_sent", *_sent(rng, readers, people.consent_sms, listed, day), subject=(NOTHING, number))
        )
    return joined(parts) if parts else happened("sms_sent", np.zeros(0, dtype=np.int64), np.zeros(0))


def _days(first: float, every: float, begin: float) -> list[tuple[int, float]]:
    """Number and day of the messages that go out in the month."""
    low, high = (int(np.ceil((day - first) / every)) for day in (begin, begin + MONTH_DAYS))
    return [(number, first + every * number) for number in range(low, high)]


def _sent(rng: np.random.Generator, readers: Readers, wanted: Flags, until: Floats, day: float) -> tuple[Ints, Floats]:
    people = readers.everybody.people
    moment = day + rng.random(len(people)) * 30.0 * MINUTE
    who = np.flatnonzero(wanted & (people.first_seen < day) & (day < until))
    return who, moment[who]


def _newsletter(rng: np.random.Generator, readers: Readers, sent: tuple[Ints, Floats], number: int) -> list[Events]:
    people, (who, when), subject = readers.everybody.people, sent, (NEWSLETTER, number)
    by_hand = _opened(rng, readers, sent, "email_open", subject)
    fetch, scan = (rng.random(len(people)) for _ in range(2))
    fetched = people.machine_opens[who]
    scanned = fetched & (scan[who] < 0.03)
    moment = when + fetch[who] * MINUTE
    machine = [
        happened("email_open", who[fetched], moment[fetched], subject=subject),
        happened("email_click", who[scanned], moment[scanned], subject=subject),
    ]
    return [happened("email_sent", who, when, subject=subject), *by_hand, *(by_machine(part) for part in machine)]


def _opened(
    rng: np.random.Generator, readers: Readers, sent: tuple[Ints, Floats], kind: str, subject: tuple[int, int]
) -> list[Events]:
    """Opens by people, as often as their taste and the interest left allow, and the clicks that follow some."""
    everybody, (who, when) = readers.everybody, sent
    lot, click = (rng.random(len(everybody.people)) for _ in range(2))
    delay = rng.exponential(0.35, len(everybody.people))
    idle = everybody.scene.habits.idle_opens_share
    taste = everybody.people.opens[who] * (idle + (1.0 - idle) * readers.interest(who, when))
    opened = lot[who] < taste
    clicked = opened & (click[who] < 0.25)
    later = when + delay[who]
    return [
        happened(kind, who[opened], later[opened], subject=subject),
        happened("email_click", who[clicked], later[clicked] + MINUTE, subject=subject),
    ]
