"""Segments by hand, deciles by their laws."""

from __future__ import annotations

import numpy as np
import pytest

from models.segments import customer_groups, deciles, segments


@pytest.mark.parametrize(
    ("x", "t_x", "T", "expected"),
    [
        (0, 0, 90, "one order, new"),
        (0, 0, 91, "one order, quiet"),
        (1, 60, 100, "returning"),  # silent 40 days, own gap 60
        (1, 60, 181, "slipping"),  # silent 121 days, more than twice 60
        (5, 10, 39, "loyal"),  # a gap of 2 days, but silent for less than a month
        (3, 90, 120, "loyal"),
    ],
)
def test_a_rhythm_has_its_segment(x: int, t_x: int, T: int, expected: str) -> None:
    found = segments(np.array([float(x)]), np.array([float(t_x)]), np.array([float(T)]), horizon_days=90)
    assert found[0] == expected


def test_deciles_are_as_equal_as_possible_and_one_is_most_at_risk() -> None:
    probability = np.linspace(0.0, 1.0, 25)
    found = deciles(probability, np.array([f"c{n:02}" for n in range(25)], dtype=object))
    assert set(np.bincount(found)[1:]) == {2, 3}
    assert (found[-1], found[0]) == (1, 10)


def test_ties_are_broken_by_customer_id_whatever_the_row_order() -> None:
    ids = np.array([f"c{n:02}" for n in range(20)], dtype=object)
    shuffled = np.random.default_rng(0).permutation(20)
    assert (deciles(np.full(20, 0.5), ids)[shuffled] == deciles(np.full(20, 0.5), ids[shuffled])).all()


def groups(orders: list[float], *tenure_days: list[float]) -> dict[str, list[int]]:
    found = customer_groups(np.array(orders), *map(np.array, tenure_days))
    return {name: np.flatnonzero(inside).tolist() for name, inside in found.items()}


def test_groups_by_orders_part_all_who_ordered_and_leave_out_the_empty() -> None:
    assert groups([1.0, 2.0, 3.0, 1.0, np.nan]) == {"one order": [0, 3], "2–3 orders": [1, 2]}
    assert groups([4.0, 900.0]) == {"4+ orders": [0, 1]}


def test_new_and_old_customers_are_groups_where_there_are_both() -> None:
    both = {"one order": [0, 1, 2], "in their first year": [0, 1], "in later years": [2]}
    assert groups([1.0, 1.0, 1.0], [10.0, 364.9, 365.0]) == both
    assert groups([1.0, 1.0], [10.0, 20.0]) == {"one order": [0, 1]}
