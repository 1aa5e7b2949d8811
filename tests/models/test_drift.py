"""The stability index: zero for the same rows, by hand for a moved share, large for a moved feature."""

from __future__ import annotations

import numpy as np
import pytest

from models.drift import stability_index


def test_the_same_rows_have_not_moved() -> None:
    rows = np.random.default_rng(0).normal(size=1000)
    assert stability_index(rows, rows) == 0.0


def test_a_yes_no_feature_worked_by_hand() -> None:
    then, now = np.repeat([0.0, 1.0], [50, 50]), np.repeat([0.0, 1.0], [80, 20])
    assert stability_index(then, now) == pytest.approx(0.3 * np.log(0.8 / 0.5) + -0.3 * np.log(0.2 / 0.5))


def test_rows_that_became_empty_have_moved() -> None:
    then = np.random.default_rng(0).normal(size=1000)
    now = np.where(np.arange(1000) < 400, np.nan, then)
    assert stability_index(then, now) > 0.25


def test_a_constant_that_fell_has_moved() -> None:
    assert stability_index(np.full(100, 0.5), np.full(100, 0.4)) > 0.25


def test_a_feature_that_was_always_empty_can_be_compared() -> None:
    assert stability_index(np.full(10, np.nan), np.full(10, np.nan)) == 0.0
