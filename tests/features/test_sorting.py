"""Events in order of kind, customer, time and value, whichever way the key takes."""

from __future__ import annotations

import numpy as np
import pytest

from features.sorting import differs, order_of

KIND = np.array([1, 0, 1, 0, 0], dtype=np.uint8)
CUSTOMER = np.array([0, 1, 0, 1, 0])
VALUE = np.array([9, 5, 2, 4, 1])


@pytest.mark.parametrize("far", [0, 2**61])
def test_ties_of_kind_customer_and_time_stand_by_their_values(far: int) -> None:
    time = np.array([7, 3, 7, 3, 3]) + np.array([far, 0, far, 0, 0])  # far apart, the key does not fit into 64 bits
    order = order_of(KIND, CUSTOMER, time, [VALUE])
    assert order is not None
    assert order.tolist() == [4, 3, 1, 2, 0]


def test_rows_that_stand_in_order_are_left_alone() -> None:
    assert order_of(np.zeros(3, dtype=np.uint8), np.array([0, 0, 1]), np.array([1, 2, 1]), []) is None
    assert order_of(KIND[:0], CUSTOMER[:0], CUSTOMER[:0], []) is None


def test_the_first_value_and_every_change_differ() -> None:
    assert differs(np.array([5, 5, 6, 5])).tolist() == [True, False, True, True]
