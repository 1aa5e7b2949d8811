"""Laws of the smallest effect that groups can show, and Cohen's table."""

from __future__ import annotations

import numpy as np
import pytest

from models.power import people_needed, smallest_effect, smallest_from_error


@pytest.mark.parametrize(("size", "effect"), [(393, 0.2), (64, 0.5), (26, 0.8)])
def test_cohens_group_sizes_find_his_small_medium_and_large_effects(size: int, effect: float) -> None:
    # Cohen, "A power primer", Psychological Bulletin 112 (1992), table 2: two means, power .80, alpha .05.
    assert smallest_effect(1.0, size, size) == pytest.approx(effect, rel=0.01)


def test_a_smaller_control_group_sees_less() -> None:
    assert smallest_effect(10.0, 9_000, 1_000) > smallest_effect(10.0, 5_000, 5_000)


def test_an_effect_of_that_size_is_found_in_four_of_five_trials() -> None:
    draws = np.random.default_rng(3)
    wanted = smallest_effect(1.0, 100, 50)
    errors = np.sqrt(1 / 100 + 1 / 50)
    found = draws.normal(wanted, errors, 4_000) > 1.976 * errors
    assert found.mean() == pytest.approx(0.8, abs=0.02)


def test_people_needed_and_smallest_effect_are_inverse() -> None:
    people = people_needed(25.0, 1.0, 0.9)
    assert smallest_effect(25.0, 0.9 * people, 0.1 * people) == pytest.approx(1.0, abs=0.001)


def test_the_error_of_a_difference_tells_the_same_as_the_groups() -> None:
    error = 4.0 * np.sqrt(1 / 80 + 1 / 20)
    assert smallest_from_error(error, 100) == pytest.approx(smallest_effect(4.0, 80, 20))


def test_an_empty_group_shows_nothing() -> None:
    assert np.isnan(smallest_effect(1.0, 100, 0))
