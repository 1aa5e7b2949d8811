"""What follows an order: refunds, tickets, reviews, answers, referrals and rewards."""

from __future__ import annotations

import numpy as np

from pipeline.demo_shop.buying import Lifetimes, Purchases
from pipeline.demo_shop.events import NOTHING, ORDER, PRODUCT, TICKET, Events, happened, joined
from pipeline.demo_shop.habits import Floats, Ints


def draw_aftermath(
    rng: np.random.Generator, purchases: Purchases, lifetimes: Lifetimes, revenue: Ints, order_numbers: Ints
) -> Events:
    """Events that belong to an order; money in whole cents comes out as money."""
    return joined(
        [
            _refunds(rng, purchases, revenue, order_numbers),
            *_tickets(purchases, order_numbers),
            *_voices(rng, purchases, lifetimes),
        ]
    )


def _refunds(rng: np.random.Generator, purchases: Purchases, revenue: Ints, order_numbers: Ints) -> Events:
    rows = np.flatnonzero(np.isfinite(purchases.refund_after))
    share = np.where(rng.random(len(rows)) < 0.6, 1.0, 0.2 + 0.6 * rng.random(len(rows)))
    amount = np.maximum(np.rint(revenue[rows] * share), 1.0) / 100.0
    day = purchases.day[rows] + purchases.refund_after[rows]
    return happened("refund", purchases.person[rows], day, amount, (ORDER, order_numbers[rows]))


def _tickets(purchases: Purchases, order_numbers: Ints) -> list[Events]:
    rows = np.flatnonzero(np.isfinite(purchases.ticket_after))
    person, opened = purchases.person[rows], purchases.day[rows] + purchases.ticket_after[rows]
    subject = (TICKET, order_numbers[rows])
    closed = opened + purchases.ticket_days[rows]
    return [
        happened("ticket_opened", person, opened, subject=subject),
        happened("ticket_closed", person, closed, subject=subject),
    ]


def _voices(rng: np.random.Generator, purchases: Purchases, lifetimes: Lifetimes) -> list[Events]:
    """Reviews and answers are friendlier while interest lasts, and harsh after a bad order."""
    mood = lifetimes.interest(purchases.person, purchases.day)
    troubled = (purchases.ticket_days > 4.0) | np.isfinite(purchases.refund_after)
    mood = np.where(troubled, 0.3 * mood, mood)
    draws = {kind: np.flatnonzero(rng.random(len(mood)) < share) for kind, share in _SHARES.items()}
    noise = rng.standard_normal(len(mood))
    answers: dict[str, Floats] = {
        "review": np.clip(np.rint(2.9 + 1.7 * mood + 0.8 * noise), 1, 5),
        "nps": np.clip(np.rint(5.0 + 3.8 * mood + 1.8 * noise), 0, 10),
        "survey": np.clip(np.rint(2.6 + 1.8 * mood + 0.9 * noise), 1, 5),
        "referral": np.full(len(mood), np.nan),
        "loyalty_redeemed": np.full(len(mood), 5.0),
    }
    return [
        happened(
            kind,
            purchases.person[rows],
            purchases.day[rows] + _AFTER_DAYS[kind] * (0.5 + rng.random(len(rows))),
            answers[kind][rows],
            (PRODUCT, rng.integers(0, 400, len(rows))) if kind == "review" else (NOTHING, 0),
        )
        for kind, rows in draws.items()
    ]


_SHARES = {"review": 0.12, "nps": 0.06, "survey": 0.03, "referral": 0.02, "loyalty_redeemed": 0.05}
_AFTER_DAYS = {"review": 8.0, "nps": 14.0, "survey": 25.0, "referral": 10.0, "loyalty_redeemed": 0.01}
