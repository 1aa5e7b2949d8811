"""Every column of every family on one hand-written customer; a new feature needs its row here.

Cutoff 2025-07-01. Orders 334, 122 (two on that day) and 20 days before it.
"""

from __future__ import annotations

import numpy as np
import pytest

from features.asof import snapshot
from features.reading import log_from_records
from features.registry import feature_columns
from tests.features.conftest import SETTINGS, us

CUTOFF = us("2025-07-01")
NONE = float("nan")

ORDERS = [
    {"order_id": "A", "ordered_at": us("2024-08-01"), "revenue": "10", "units": 2},
    {"order_id": "B", "ordered_at": us("2025-03-01"), "revenue": "20", "discount": "5", "units": 1},
    {"order_id": "C", "ordered_at": us("2025-03-01"), "revenue": "40", "units": 1},
    {"order_id": "D", "ordered_at": us("2025-06-11"), "revenue": "30", "units": 4},
]
ITEMS = [
    {"order_id": "A", "product_id": "tea", "category": "food", "quantity": 2},
    {"order_id": "B", "product_id": "tea", "category": "food", "quantity": 1},
    {"order_id": "C", "product_id": "cup", "category": "home", "quantity": 1},
    {"order_id": "D", "product_id": "tea", "category": "food", "quantity": 1},
    {"order_id": "D", "product_id": "pot", "category": "home", "quantity": 3},
]
ENGAGEMENT = [
    ("session", "2025-06-27", None),
    ("session", "2025-06-10", None),
    ("session", "2025-04-12", None),
    ("product_view", "2025-06-27", None),
    ("product_view", "2025-06-10", None),
    ("search", "2025-06-10", None),
    ("cart_add", "2025-06-10", None),
    ("email_sent", "2025-06-21", None),
    ("email_sent", "2025-05-01", None),
    ("email_open", "2025-06-21", None),
    ("email_click", "2025-05-02", None),
    ("push_open", "2025-06-29", None),
    ("refund", "2025-03-13", "15"),
    ("cancellation", "2025-06-01", "9"),
    ("ticket_opened", "2025-06-21", None),
    ("ticket_opened", "2025-03-13", None),
    ("ticket_closed", "2025-03-14", None),
    ("review", "2025-03-13", "4"),
    ("review", "2025-06-21", "1"),
    ("nps", "2025-06-21", "3"),
    ("referral", "2025-01-01", None),
    ("loyalty_redeemed", "2025-01-01", None),
    ("unsubscribe", "2025-06-30", None),
    ("spam_complaint", "2025-06-30", None),
    ("touch", "2025-06-11", None),
    ("touch", "2025-04-12", None),
]

EXPECTED = {
    "days_since_last_order": 20.0,
    "days_since_last_session": 4.0,
    "days_since_last_product_view": 4.0,
    "days_since_last_cart_add": 21.0,
    "days_since_last_email_click": 60.0,
    "days_since_last_email_open": 10.0,
    "days_since_last_push_open": 2.0,
    "days_since_last_engagement": 2.0,
    "orders_30d": 1.0,
    "orders_90d": 1.0,
    "orders_180d": 3.0,
    "orders_365d": 4.0,
    "orders_ever": 4.0,
    "occasions_90d": 1.0,
    "occasions_365d": 3.0,
    "occasions_ever": 3.0,
    "spend_30d": 30.0,
    "spend_90d": 30.0,
    "spend_365d": 100.0,
    "spend_ever": 100.0,
    "order_value_mean_365d": 25.0,
    "order_value_mean_ever": 25.0,
    "order_value_largest": 40.0,
    "order_value_last": 30.0,
    "order_value_spread": 0.52046,  # of ln 10, ln 20, ln 40, ln 30
    "tenure_days": 334.0,
    "occasions_per_year": 3.01030,  # 3 · 365.25 / (334 + 30)
    "second_order_after_days": 212.0,
    "gap_mean_days": 157.0,  # of 212 and 102
    "gap_spread_days": 55.0,
    "gap_cv": 0.35032,
    "gap_longest_days": 212.0,
    "gap_last_days": 102.0,
    "silence_over_gap_mean": 0.12739,
    "silence_over_gap_longest": 0.09434,
    "session_gap_mean_days": 38.0,  # of visits 4, 21 and 80 days ago
    "silence_over_session_gap": 0.10526,
    "silence_over_interest_gap": 0.20513,  # 2 days, and 9 signs within 78 days
    "silence_over_email_open_gap": NONE,  # one open
    "sessions_pace_14d": 31.81162,  # 1.19294 visits of late, one in 80 / 3 days
    "sessions_pace_60d": 56.96736,
    "sessions_over_usual_30d": 3.33333,  # 2, and 1 in the 50 days before the window
    "sessions_over_usual_90d": NONE,
    "visits_alone_7d": 1.0,
    "visits_alone_14d": 1.0,
    "visits_alone_21d": 1.0,  # 4 and 21 days ago, the moment the window begins; an order 20 days ago
    "visits_alone_30d": 1.0,
    "visits_alone_45d": 1.0,
    "visits_alone_60d": 1.0,
    "visits_alone_90d": 2.0,
    "visits_alone_120d": 2.0,
    "visits_alone_180d": 0.0,  # three visits, three orders
    "visits_alone_ever": 0.0,
    "days_since_first_session": 80.0,
    "orders_decayed_14d": 0.37626,  # 2^(-20/14) + 2 · 2^(-122/14) + 2^(-334/14)
    "orders_decayed_60d": 1.30338,
    "spend_decayed_14d": 11.28781,
    "spend_decayed_60d": 38.67941,
    "sessions_decayed_14d": 1.19294,  # 4, 21 and 80 days ago
    "sessions_decayed_60d": 2.13628,
    "interest_decayed_14d": 1.93227,  # views 4 and 21, search 21, cart 21, click 60 days ago
    "interest_decayed_60d": 3.80859,
    "orders_trend_90d": -1.0,  # one, and two in the window before
    "orders_trend_180d": 2.0,
    "spend_trend_90d": -30.0,
    "spend_trend_180d": 80.0,
    "sessions_trend_14d": 0.0,
    "sessions_trend_30d": 2.0,
    "sessions_trend_90d": 3.0,
    "emails_opened_trend_30d": 1.0,
    "emails_opened_trend_90d": 1.0,
    "units_per_order_365d": 2.0,
    "units_per_order_ever": 2.0,
    "products_per_order": 1.25,
    "categories_per_order": 1.25,
    "products_tried": 3.0,
    "new_product_share_180d": 0.5,  # cup and pot of tea, cup, tea, pot
    "new_product_share_365d": 0.6,
    "discount_share_365d": 0.04762,  # 5 of 105
    "discount_share_ever": 0.04762,
    "discounted_orders_share_365d": 0.25,
    "discounted_orders_share_ever": 0.25,
    "refunds_90d": 0.0,
    "refunds_365d": 1.0,
    "refund_share_365d": 0.15,
    "refund_share_ever": 0.15,
    "days_since_last_refund": 110.0,
    "cancellations_90d": 1.0,
    "cancellations_365d": 1.0,
    "days_since_last_cancellation": 30.0,
    "sessions_7d": 1.0,
    "sessions_14d": 1.0,
    "sessions_30d": 2.0,
    "sessions_90d": 3.0,
    "product_views_14d": 1.0,
    "product_views_30d": 2.0,
    "product_views_90d": 2.0,
    "searches_30d": 1.0,
    "searches_90d": 1.0,
    "cart_adds_14d": 0.0,
    "cart_adds_30d": 1.0,
    "cart_adds_90d": 1.0,
    "sessions_per_order_90d": 3.0,
    "views_per_session_90d": 0.66667,
    "emails_sent_30d": 1.0,
    "emails_sent_90d": 2.0,
    "emails_sent_ever": 2.0,
    "emails_opened_30d": 1.0,
    "emails_opened_90d": 1.0,
    "emails_opened_ever": 1.0,
    "emails_clicked_30d": 0.0,
    "emails_clicked_90d": 1.0,
    "email_open_rate_90d": 0.5,
    "email_open_rate_365d": 0.5,
    "email_open_rate_decayed_14d": 0.92588,  # opened 10 days ago, sent 10 and 61
    "email_open_rate_decayed_60d": 0.64317,
    "email_click_rate_90d": 0.5,
    "email_click_rate_365d": 0.5,
    "pushes_opened_90d": 1.0,
    "unsubscribes": 1.0,
    "spam_complaints": 1.0,
    "tickets_opened_30d": 1.0,
    "tickets_opened_90d": 1.0,
    "tickets_opened_365d": 2.0,
    "tickets_open": 1.0,
    "reviews_365d": 2.0,
    "review_mean": 2.5,
    "nps_mean": 3.0,
    "referrals_365d": 1.0,
    "loyalty_redeemed_365d": 1.0,
    "touches_30d": 1.0,
    "touches_90d": 2.0,
    "touches_365d": 2.0,
    "days_since_last_touch": 20.0,
    "season_sine": -0.67882,  # the horizon's middle is 15 August, 226 days after new year
    "season_cosine": -0.73430,
    "season_peak_share": 0.0,  # 1 July to 28 September
    "season_summer_share": 0.68889,  # 62 of 90 days
    "btyd_x": 2.0,
    "btyd_t_x": 314.0,
    "btyd_T": 334.0,
}


def hand_written() -> dict[str, float]:
    orders = [{"customer_id": "c", **order} for order in ORDERS]
    engagement = [
        {"customer_id": "c", "event_id": str(number), "kind": kind, "occurred_at": us(day), "value": value}
        for number, (kind, day, value) in enumerate(ENGAGEMENT)
    ]
    known = snapshot(log_from_records(orders, engagement, ITEMS), [CUTOFF], SETTINGS)
    return dict(zip(known.columns, known.values[0].tolist(), strict=True))


@pytest.fixture(scope="module")
def values() -> dict[str, float]:
    return hand_written()


def test_every_declared_column_has_a_hand_written_row() -> None:
    assert [column.name for column in feature_columns(SETTINGS)] == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_column_of_the_hand_written_customer(name: str, values: dict[str, float]) -> None:
    assert values[name] == pytest.approx(EXPECTED[name], abs=6e-6, nan_ok=True)


def test_a_one_time_buyer_has_no_gaps_and_no_second_order() -> None:
    order = {"customer_id": "c", "order_id": "A", "ordered_at": us("2025-06-01"), "revenue": 10}
    known = snapshot(log_from_records([order], []), [CUTOFF], SETTINGS)
    row = dict(zip(known.columns, known.values[0].tolist(), strict=True))

    missing = ["gap_mean_days", "gap_cv", "gap_longest_days", "gap_last_days", "second_order_after_days"]
    assert np.isnan([row[name] for name in missing]).all()
    assert (row["btyd_x"], row["btyd_t_x"], row["btyd_T"]) == (0.0, 0.0, 30.0)
