"""Visits and mailings: what people do between orders. Interest fades before they leave, so engagement leads churn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.demo_shop.baskets import popular_products
from pipeline.demo_shop.buying import Lifetimes, Purchases
from pipeline.demo_shop.campaigns import Scene, Touches
from pipeline.demo_shop.events import (
    ASK_TOUCH,
    CONTENT_TOUCH,
    NEWSLETTER,
    NOTHING,
    PRODUCT,
    PUSH,
    Events,
    by_machine,
    happened,
    joined,
)
from pipeline.demo_shop.habits import Flags, Floats, Ints
from pipeline.demo_shop.people import APP, People

NEWSLETTER_DAYS = 28.0
SMS_DAYS = 91.0
MINUTE = 1.0 / 1440.0


@dataclass(frozen=True)
class Mailing:
    """A regular message: its kinds of event, and when it goes out."""

    sent: str
    opened: str | None
    subject_kind: int
    days: Floats


def draw_visits(
    rng: np.random.Generator, people: People, lifetimes: Lifetimes, purchases: Purchases, scene: Scene
) -> Events:
    """Sessions with views, searches and carts: in step with interest, a few after the end, one before each order."""
    last = np.minimum(lifetimes.end, scene.period.end)
    person, day = _moments(rng, people.visits, people.first_seen, last)
    wanted = rng.random(len(person)) < lifetimes.interest(person, day)
    idle_from = np.maximum(lifetimes.end, people.first_seen)
    idle = _moments(
        rng, scene.habits.idle_visits_share * people.visits, idle_from, np.full(len(people), scene.period.end)
    )
    casual = sessions(rng, np.concatenate([person[wanted], idle[0]]), np.concatenate([day[wanted], idle[1]]), 0.12)
    before = purchases.day - rng.exponential(20.0 * MINUTE, len(purchases)) - 2.0 * MINUTE
    return joined([casual, sessions(rng, purchases.person, before, 1.0)])


def _moments(rng: np.random.Generator, rate: Floats, begin: Floats, stop: Floats) -> tuple[Ints, Floats]:
    """A Poisson process per person over [begin, stop)."""
    span = np.maximum(stop - begin, 0.0)
    person = np.repeat(np.arange(len(rate)), rng.poisson(rate * span))
    return person, begin[person] + rng.random(len(person)) * span[person]


def sessions(rng: np.random.Generator, person: Ints, day: Floats, cart_share: float) -> Events:
    """Sessions at these moments with what is looked at, searched and put in the cart."""
    count = len(person)
    viewed = np.repeat(np.arange(count), rng.poisson(1.1, count))
    searched = np.flatnonzero(rng.random(count) < 0.2)
    carted = np.flatnonzero(rng.random(count) < cart_share)
    later = day[viewed] + rng.random(len(viewed)) * 9.0 * MINUTE
    views = (PRODUCT, popular_products(rng, len(viewed)))
    carts = (PRODUCT, popular_products(rng, len(carted)))
    price = np.rint(100.0 * np.exp(3.2 + 0.6 * rng.standard_normal(len(carted)))) / 100.0
    return joined(
        [
            happened("session", person, day),
            happened("product_view", person[viewed], later, subject=views),
            happened("search", person[searched], day[searched] + 0.5 * MINUTE),
            happened("cart_add", person[carted], day[carted] + MINUTE, price, carts),
        ]
    )


def draw_mailings(
    rng: np.random.Generator, people: People, lifetimes: Lifetimes, unsubscribed_at: Floats, scene: Scene
) -> Events:
    """Newsletters with human and machine opens, push messages to users of the app, the odd SMS."""
    begin, end = scene.period.start, scene.period.end
    news = Mailing("email_sent", "email_open", NEWSLETTER, np.arange(begin + 5.3, end, NEWSLETTER_DAYS))
    push = Mailing("push_sent", "push_open", PUSH, np.arange(begin + 19.7, end, NEWSLETTER_DAYS))
    sms = Mailing("sms_sent", None, NOTHING, np.arange(begin + 33.5, end, SMS_DAYS))
    mails = _sent(rng, people.consent_email, people.first_seen, unsubscribed_at, news)
    pushes = _sent(rng, people.channel == APP, people.first_seen, np.full(len(people), np.inf), push)
    texts = _sent(rng, people.consent_sms, people.first_seen, unsubscribed_at, sms)
    opened = _opened(rng, mails, people, lifetimes, scene)
    read = np.flatnonzero(rng.random(len(opened)) < 0.25)
    clicks = happened(
        "email_click", opened.person[read], opened.day[read] + MINUTE, subject=(NEWSLETTER, opened.subject[read])
    )
    by_hand = [mails, pushes, texts, opened, clicks, _opened(rng, pushes, people, lifetimes, scene)]
    return joined([*by_hand, _machine_opened(rng, mails, people)])


def _sent(rng: np.random.Generator, wanted: Flags, since: Floats, until: Floats, mailing: Mailing) -> Events:
    reach = wanted[:, None] & (since[:, None] < mailing.days) & (mailing.days < until[:, None])
    person, number = np.nonzero(reach)
    day = mailing.days[number] + rng.random(len(person)) * 30.0 * MINUTE
    return happened(mailing.sent, person, day, subject=(mailing.subject_kind, number))


def _opened(rng: np.random.Generator, sent: Events, people: People, lifetimes: Lifetimes, scene: Scene) -> Events:
    """Opens by people: as often as their taste and the interest left allow, some hours later."""
    idle = scene.habits.idle_opens_share
    interest = idle + (1.0 - idle) * lifetimes.interest(sent.person, sent.day)
    rows = np.flatnonzero(rng.random(len(sent)) < people.opens[sent.person] * interest)
    read = sent.take(rows)
    kind = "email_open" if len(read) and read.subject_kind[0] == NEWSLETTER else "push_open"
    later = read.day + rng.exponential(0.35, len(read))
    return happened(kind, read.person, later, subject=(read.subject_kind, read.subject))


def _machine_opened(rng: np.random.Generator, mails: Events, people: People) -> Events:
    """Mail programs that fetch every picture: an open within a minute, whoever reads it, and now and then a click."""
    fetched = mails.take(np.flatnonzero(people.machine_opens[mails.person]))
    day = fetched.day + rng.random(len(fetched)) * MINUTE
    subject = (NEWSLETTER, fetched.subject)
    scanned = np.flatnonzero(rng.random(len(fetched)) < 0.03)
    clicks = happened(
        "email_click", fetched.person[scanned], day[scanned], subject=(NEWSLETTER, fetched.subject[scanned])
    )
    return by_machine(joined([happened("email_open", fetched.person, day, subject=subject), clicks]))


def touch_events(people: People, touches: Touches, unsubscribed_at: Floats, scene: Scene) -> Events:
    """The touches that went out, with their propensity as value, and what they made people say."""
    campaigns = scene.campaigns
    person, number = np.nonzero(touches.sent & (campaigns.sent_at <= unsubscribed_at[:, None]))
    action = np.where(campaigns.is_ask[number], ASK_TOUCH, CONTENT_TOUCH)
    identity = number * 10_000_000 + people.number[person]
    sent = happened("touch", person, campaigns.sent_at[number], campaigns.propensity[number], (action, identity))
    left = np.flatnonzero(people.consent_email & np.isfinite(unsubscribed_at))
    cross = np.flatnonzero(touches.complained)
    return joined(
        [
            sent,
            happened("unsubscribe", left, unsubscribed_at[left] + 30.0 * MINUTE),
            happened("spam_complaint", cross, touches.unsubscribed_at[cross] + 20.0 * MINUTE),
        ]
    )
