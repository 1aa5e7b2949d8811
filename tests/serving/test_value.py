"""The value of an action, worked out by hand."""

from __future__ import annotations

import numpy as np

from serving.value import expected_value, highest_value, most_money
from tests.serving.people import people, policy

COSTLY = {"discount_share": 0.1, "cost_money": 0.5, "unsubscribe_rise": 0.01, "complaint_rise": 0.002}


def test_value_is_the_sum_of_its_five_terms() -> None:
    # 0.2*40 - (0.5 + 0.2)*6 - 0.5 - 0.01*40 - 0.002*20
    value = expected_value(people({}), policy(COSTLY), np.array([[0.2]]))
    np.testing.assert_allclose(value, [[8.0 - 4.2 - 0.5 - 0.4 - 0.04]])


def test_no_real_uplift_brings_more_than_certainty() -> None:
    # 0.5*40 - 1*6 - 0.5 - 0.4 - 0.04
    np.testing.assert_allclose(highest_value(people({}), policy(COSTLY)), [[13.06]])


def test_an_unknown_order_value_matters_only_to_a_discount() -> None:
    unknown = people({"order_value_money": None})
    assert np.isnan(expected_value(unknown, policy(COSTLY), np.array([[0.2]]))).all()
    assert np.isfinite(expected_value(unknown, policy(), np.array([[0.2]]))).all()


def test_a_fixed_cost_of_the_offer_is_paid_by_whoever_orders() -> None:
    # 0.2*40 - (0.5 + 0.2)*4.5 - 0.02
    value = expected_value(people({}), policy({"offer_cost_money": 4.5}), np.array([[0.2]]))
    np.testing.assert_allclose(value, [[8.0 - 3.15 - 0.02]])


def test_a_budget_counts_money_as_if_the_offer_were_taken() -> None:
    # 0.5 + 0.1*60 + 4.5
    np.testing.assert_allclose(most_money(people({}), policy({**COSTLY, "offer_cost_money": 4.5})), [[11.0]])
    assert np.isnan(most_money(people({"order_value_money": None}), policy(COSTLY))).all()
