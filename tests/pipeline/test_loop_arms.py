"""Whom each policy touches, from the same open actions and the same lot."""

from __future__ import annotations

import numpy as np

from pipeline.loop import arms
from serving.decisions import NOBODY, Decisions, decide
from serving.gates import Shop
from tests.serving.people import AS_OF_US, KEY, people, policy

SHOP = Shop(as_of_us=AS_OF_US, data_age_days=0.1, complaint_share=0.0, model_refused=False)
PEOPLE = (
    {"customer_id": "gone", "churn_probability": 0.99, "margin_money": 10.0},
    {"customer_id": "dear", "churn_probability": 0.6, "margin_money": 90.0},
    {"customer_id": "safe", "churn_probability": 0.1, "margin_money": 50.0},
    {"customer_id": "left", "churn_probability": 1.0, "margin_money": 99.0, "suppressed": True},
)


def decisions() -> Decisions:
    return decide(people(*PEOPLE), policy(), SHOP, KEY)


def who(worth: arms.Worth, contacts: int | None = 1) -> list[str]:
    return list(arms.chosen(decisions(), worth, contacts).customer_id)


def test_each_policy_takes_the_first_of_its_own_order() -> None:
    found = decisions()
    assert who(arms.highest_risk(found)) == ["gone"]
    assert who(arms.risk_times_value(found)) == ["dear"]
    assert who(arms.by_value(found, np.array([[0.1], [0.2], [0.3], [9.0]]))) == ["safe"]


def test_nobody_is_touched_whom_a_gate_stopped() -> None:
    found = decisions()
    for worth in (arms.everybody(found), arms.random(found), arms.highest_risk(found), arms.risk_times_value(found)):
        assert who(worth, None) == ["gone", "dear", "safe"]
    assert who(arms.by_value(found, np.full((4, 1), 5.0)), None) == ["gone", "dear", "safe"]


def test_the_lot_decides_for_the_random_policy_and_between_equals() -> None:
    found = decisions()
    by_lot = [str(name) for name in found.customer_id[np.argsort(-found.lot)] if name != "left"]
    assert who(arms.random(found)) == by_lot[:1]
    assert who(arms.everybody(found)) == [min(by_lot, key=lambda name: found.lot[list(found.customer_id).index(name)])]


def test_what_is_worth_nothing_is_not_sent_however_many_contacts_there_are() -> None:
    found = decisions()
    assert who(arms.by_value(found, np.array([[-0.1], [0.0], [0.3], [1.0]])), None) == ["safe"]
    action, _ = arms.by_value(found, np.full((4, 1), -1.0))
    assert (action == NOBODY).all()
    assert who(arms.by_value(found, np.full((4, 1), np.nan)), None) == []


def test_the_touches_carry_when_and_how_likely() -> None:
    chosen = arms.chosen(decisions(), arms.random(decisions()), 1)
    assert chosen.at_us.tolist() == [AS_OF_US]
    assert chosen.propensity.tolist() == [1 / 3]
    assert chosen.action.tolist() == [0]
