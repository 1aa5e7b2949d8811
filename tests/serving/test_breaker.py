"""The complaint breaker warns at one in a thousand and stops at three, but never for one complaint alone."""

from __future__ import annotations

import pytest

from serving.breaker import breaker, warning

CASES = {
    "nothing sent, nothing said": (0, 0, "ok"),
    "no complaint": (0, 10_000, "ok"),
    "just below one in a thousand": (9, 9_001, "ok"),
    "one in a thousand": (9, 9_000, "warn"),
    "just below three in a thousand": (29, 9_667, "warn"),
    "three in a thousand": (3, 1_000, "stop"),
    "one complaint in a shop of ten messages": (1, 10, "warn"),
    "one complaint among two hundred": (1, 200, "warn"),
    "one complaint among many": (1, 1_001, "ok"),
    "two complaints among ten": (2, 10, "stop"),
    "one complaint about messages of before": (1, 0, "warn"),
    "complaints about messages of before": (2, 0, "stop"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_share_decides_once_more_than_one_complained(name: str) -> None:
    complaints, sent, state = CASES[name]
    assert breaker(complaints, sent) == state
    assert (warning(complaints, sent) is None) == (state == "ok")


def test_more_complaints_never_calm_it_and_more_messages_never_alarm_it() -> None:
    grade = ("ok", "warn", "stop").index
    for sent in (0, 1, 10, 300, 1_000, 5_000):
        states = [grade(breaker(complaints, sent)) for complaints in range(30)]
        assert states == sorted(states)
    for complaints in (1, 2, 5):
        states = [grade(breaker(complaints, sent)) for sent in range(1, 10_000, 37)]
        assert states == sorted(states, reverse=True)


def test_a_shops_own_bound_counts_and_lowers_the_warning_with_it() -> None:
    assert breaker(2, 1_000, stop_share=0.001) == "stop"
    assert breaker(1, 2_000, stop_share=0.0005) == "warn"
    assert "bound of 0.1%" in str(warning(2, 1_000, stop_share=0.001))
