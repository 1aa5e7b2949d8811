"""The one number by which people answer."""

from __future__ import annotations

import numpy as np
import pytest

from models.effect import Trial
from models.response import Response, response


def drawn(seed: int, answer: float, people: int = 4000, rows: int = 2, share: float = 0.3) -> tuple[Trial, np.ndarray]:
    """People who order with their own chance, and with `answer` times as much more when treated."""
    rng = np.random.default_rng(seed)
    base = np.tile(np.clip(rng.beta(0.4, 2.0, people), 0.0, 0.6), rows)
    treated = rng.random(people * rows) < share
    outcome = (rng.random(people * rows) < base * (1.0 + answer * treated)).astype(np.float64)
    chance = np.full(people * rows, share)
    return Trial(outcome, treated, chance, 1.0 - chance, np.tile(np.arange(people), rows)), base


def test_the_number_is_found_again() -> None:
    found = response(*drawn(1, answer=0.5, people=40_000))
    assert found.value == pytest.approx(0.5, abs=3.0 * found.standard_error)
    assert found.standard_error < 0.03


def test_the_truth_lies_within_two_errors_as_often_as_it_should() -> None:
    found = [response(*drawn(seed, answer=0.2)) for seed in range(300)]
    inside = np.mean([abs(each.value - 0.2) <= 1.96 * each.standard_error for each in found])
    assert 0.92 < inside < 0.98


def test_uneven_chances_do_not_bend_it() -> None:
    low, high = drawn(1, 0.4, people=30_000, share=0.1), drawn(2, 0.4, people=30_000, share=0.5)
    parts = [np.concatenate([getattr(low[0], name), getattr(high[0], name)]) for name in vars(low[0])]
    found = response(Trial(*parts), np.concatenate([low[1], high[1]]))
    assert found.value == pytest.approx(0.4, abs=3.0 * found.standard_error)


def test_rows_of_one_person_count_once() -> None:
    trial, base = drawn(1, answer=0.2, people=2000, rows=1)
    twice = Trial(*(np.tile(values, 2) for values in vars(trial).values()))
    once, doubled = response(trial, base), response(twice, np.tile(base, 2))
    assert doubled.value == pytest.approx(once.value)
    assert doubled.standard_error == pytest.approx(once.standard_error)


def test_who_would_never_order_is_not_moved_and_nobody_beyond_certainty() -> None:
    uplift = Response(0.5, 0.1).uplift(np.array([0.0, 0.2, 0.9]))
    assert uplift.tolist() == pytest.approx([0.0, 0.1, 0.1])
    assert Response(-0.2, 0.1).uplift(np.array([0.5])).tolist() == [0.0]


def test_without_anybody_who_could_order_nothing_is_said() -> None:
    trial, base = drawn(1, answer=0.2, people=50)
    assert np.isnan(response(trial, np.zeros(len(base))).value)
