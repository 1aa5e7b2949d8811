"""Events of several kinds, told from each kind alone."""

from __future__ import annotations

import numpy as np
import pytest

from features.log import DAY_US
from features.past import Past
from features.reading import log_from_records
from features.rows import Rows

ORDERS = [{"order_id": "1", "customer_id": "a", "ordered_at": DAY_US, "revenue": 10}]
EVENTS = [
    {"customer_id": "a", "kind": "review", "occurred_at": 2 * DAY_US, "value": 5},
    {"customer_id": "a", "kind": "nps", "occurred_at": 4 * DAY_US, "value": 8},
    {"customer_id": "a", "kind": "nps", "occurred_at": 7 * DAY_US, "value": 2},
]
PAST = Past(Rows.everyone(log_from_records(ORDERS, EVENTS), [10 * DAY_US]), None, 90, half_life_days=3)


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("count", 3.0),
        ("sum", 15.0),
        ("mean", 5.0),
        ("days_since_last", 3.0),
        ("days_since_first", 8.0),
        ("decayed", 0.5 + 0.25 + 2 ** (-8 / 3)),
    ],
)
def test_several_kinds_are_added_up_and_the_latest_and_earliest_of_all_count(reduction: str, expected: float) -> None:
    together = PAST.of("review", "nps", "survey")  # nobody ever answered a survey
    assert getattr(together, reduction)().tolist() == [pytest.approx(expected)]


def test_kinds_that_never_happened_have_no_last_event() -> None:
    together = PAST.of("survey", "referral")
    assert together.count().tolist() == [0.0]
    assert np.isnan(together.days_since_last()).all()


def test_before_is_all_that_lies_before_the_window() -> None:
    last_five_days = Past(PAST.rows, 5, 90)
    assert last_five_days.of("nps").count().tolist() == [1.0]
    assert last_five_days.before().of("nps").count().tolist() == [1.0]
    assert last_five_days.before().of("nps", "review").sum().tolist() == [13.0]
    assert last_five_days.earlier().of("nps", "review").days_since_first().tolist() == [8.0]
