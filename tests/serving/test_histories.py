"""Customers whose events come with the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from features.asof import Settings
from serving.histories import events_of, feature_rows, refuse_unusable
from serving.requests import Customer
from tests.serving.people import AS_OF_US

SETTINGS = Settings(horizon_days=90, active_days=365, half_lives_days=(14,))
COLUMNS = ("orders_ever", "spend_ever", "days_since_last_order")
REVENUE_KNOWN: frozenset[str] = frozenset()


def customer(name: str, *orders: tuple[str, str], events: tuple[dict[str, object], ...] = ()) -> Customer:
    rows = [{"order_id": order_id, "ordered_at": day, "revenue": 10.0} for order_id, day in orders]
    return Customer.model_validate({"customer_id": name, "orders": rows, "engagement": list(events)}, strict=False)


def event(number: int, kind: str, **more: object) -> dict[str, object]:
    return {"event_id": f"e{number}", "occurred_at": "2025-12-01T00:00:00Z", "kind": kind, **more}


def test_rows_hold_the_columns_in_the_order_asked() -> None:
    found = feature_rows([customer("a", ("1", "2025-12-30T12:00:00Z"))], AS_OF_US, SETTINGS, COLUMNS)
    assert found["a"].tolist() == [1.0, 10.0, 2.0]


def test_an_own_feature_of_the_model_is_computed_from_the_request(own_module: Callable[[str], str]) -> None:
    text = '''
    @feature(unit="count", empty=0.0, windows_days=(60,))
    def referred_and_reviewed(past: Past) -> Column:
        """Friends referred and reviews written in the window."""
        return past.of("referral", "review").count()
    '''
    settings = replace(SETTINGS, extra=(own_module(text),))
    asked = customer("a", ("1", "2025-12-30T12:00:00Z"), events=(event(1, "review", value=4), event(2, "referral")))
    assert feature_rows([asked], AS_OF_US, settings, ("referred_and_reviewed_60d",))["a"].tolist() == [2.0]


def test_two_customers_may_use_the_same_order_id() -> None:
    both = [customer("a", ("1", "2025-12-30T12:00:00Z")), customer("b", ("1", "2025-12-31T12:00:00Z"))]
    found = feature_rows(both, AS_OF_US, SETTINGS, COLUMNS)
    assert found["a"][2] == 2.0
    assert found["b"][2] == 1.0


def test_a_customer_outside_the_population_has_no_row() -> None:
    found = feature_rows([customer("a", ("1", "2024-06-01T00:00:00Z"))], AS_OF_US, SETTINGS, COLUMNS)
    assert found == {}


def test_an_order_at_the_instant_is_refused_and_one_before_is_not() -> None:
    at = refuse_unusable(customer("a", ("1", "2026-01-01T12:00:00Z")), 4, AS_OF_US, REVENUE_KNOWN)
    assert at is not None
    assert (at.kind, at.field) == ("future-event", "customers[4].orders[0]")
    assert refuse_unusable(customer("a", ("1", "2026-01-01T11:59:59Z")), 4, AS_OF_US, REVENUE_KNOWN) is None


def test_an_event_that_became_known_later_counts_from_then() -> None:
    late = event(1, "refund", known_at="2026-01-02T00:00:00Z")
    problem = refuse_unusable(customer("a", events=(late,)), 0, AS_OF_US, REVENUE_KNOWN)
    assert problem is not None
    assert problem.field == "customers[0].engagement[0]"


def test_revenue_may_be_missing_only_where_the_model_does_without() -> None:
    poor = Customer.model_validate(
        {"customer_id": "a", "orders": [{"order_id": "1", "ordered_at": "2025-12-01T00:00:00Z"}]}, strict=False
    )
    problem = refuse_unusable(poor, 0, AS_OF_US, REVENUE_KNOWN)
    assert problem is not None
    assert problem.field == "customers[0].orders[0].revenue"
    assert refuse_unusable(poor, 0, AS_OF_US, frozenset({"revenue"})) is None


def test_the_gates_see_people_and_not_machines() -> None:
    rows = (event(1, "touch", subject="talk:1"), event(2, "unsubscribe", is_machine=True), event(3, "session"))
    found = events_of([customer("a"), customer("b", events=rows)])
    assert found.customer.tolist() == [1]
    assert found.kind.tolist() == ["touch"]
    assert found.subject.tolist() == ["talk:1"]
    assert found.time.dtype == np.int64
