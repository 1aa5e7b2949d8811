"""The value of an action, worked out by hand."""

from __future__ import annotations

import numpy as np

from serving.value import expected_value, highest_value
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
