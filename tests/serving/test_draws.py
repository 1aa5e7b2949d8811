"""Draws that anyone with the key can repeat."""

from __future__ import annotations

import numpy as np
import pytest

from serving.draws import HOLDOUT_KEY, OPEN_KEY, holdout_key, key_mark, uniform_draws

NAMES = [f"c{number}" for number in range(4000)]


def test_draws_are_spread_evenly_over_zero_to_one() -> None:
    draws = uniform_draws(NAMES, b"k", "p")
    assert draws.min() >= 0
    assert draws.max() < 1
    counts, _ = np.histogram(draws, bins=10, range=(0, 1))
    assert abs(counts - 400).max() < 4 * np.sqrt(400)


def test_a_draw_is_fixed_by_key_purpose_and_name() -> None:
    # The first 53 bits of HMAC-SHA256(b"k", b"p\0c0"); a change would move people between control and treatment.
    assert uniform_draws(["x", "c0"], b"k", "p")[1] == 0.10410406975438224


def test_two_purposes_give_unrelated_draws() -> None:
    one, other = uniform_draws(NAMES, b"k", "holdout:1"), uniform_draws(NAMES, b"k", "holdout:2")
    assert abs(float(np.corrcoef(one, other)[0, 1])) < 4 / np.sqrt(len(NAMES))


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOLDOUT_KEY, raising=False)
    assert holdout_key() == OPEN_KEY.encode()
    monkeypatch.setenv(HOLDOUT_KEY, "the shop's own")
    assert holdout_key() == b"the shop's own"


def test_the_mark_tells_keys_apart_and_does_not_hold_them() -> None:
    assert key_mark(b"one") != key_mark(b"two")
    assert "one" not in key_mark(b"one")
