"""From columns to what the model of fading interest looks at."""

from __future__ import annotations

import numpy as np
import pytest

from models.fading_rows import lives_of, looked_at, signs_in

ORDERS = {"btyd_x": [2.0, 0.0], "btyd_t_x": [60.0, 0.0], "btyd_T": [100.0, 0.0]}
VISITS = {
    "days_since_first_session": [110.0, np.nan],
    "days_since_last_session": [10.0, np.nan],
    "visits_alone_7d": [0.0, 0.0],
    "visits_alone_30d": [3.0, 0.0],
    "visits_alone_ever": [8.0, 0.0],
}
MAILS = {
    "emails_sent_30d": [1.0, 0.0],
    "emails_sent_ever": [5.0, 0.0],
    "emails_opened_30d": [0.0, 0.0],
    "emails_opened_90d": [1.0, 0.0],
    "emails_opened_ever": [2.0, 0.0],
}


def lives(columns: dict[str, list[float]]):  # type: ignore[no-untyped-def]
    return lives_of(tuple(columns), lambda name: np.array(columns[name]))


def test_orders_are_repeats_silence_and_age_and_nobody_is_younger_than_a_moment() -> None:
    found = lives(ORDERS)
    assert found.x.tolist() == [2.0, 0.0]
    assert found.silence == pytest.approx([40.0, 0.001])
    assert found.T.tolist() == [100.0, 0.001]
    assert found.signs == ()


def test_visits_lie_between_windows_and_before_the_silence_since_the_last() -> None:
    (visits,) = lives(ORDERS | VISITS).signs
    assert visits.ages[0].tolist() == [0.0, 10.0, 10.0, 30.0, 110.0]
    assert visits.counts[0].tolist() == [0.0, 0.0, 3.0, 5.0]
    assert visits.chances[0].tolist() == [10.0, 0.0, 20.0, 80.0]


def test_who_never_visited_has_been_silent_all_her_life() -> None:
    (visits,) = lives(ORDERS | VISITS).signs
    assert visits.counts[1].sum() == 0.0
    assert visits.chances[1] == pytest.approx([0.001, 0.0, 0.0, 0.0])


def test_opens_are_counted_where_both_windows_are_there() -> None:
    (opens,) = lives(ORDERS | MAILS).signs
    assert opens.ages[0].tolist() == [0.0, 30.0, 100.0]
    assert opens.counts[0].tolist() == [0.0, 2.0]
    assert opens.chances[0].tolist() == [1.0, 4.0]


def test_a_window_that_holds_fewer_than_a_shorter_one_counts_as_that() -> None:
    odd = VISITS | {"visits_alone_7d": [4.0, 0.0]}  # an order's own visit came a minute before the window
    (visits,) = lives(ORDERS | odd).signs
    assert visits.counts[0].tolist() == [0.0, 4.0, 0.0, 4.0]


def test_signs_are_those_the_shop_has() -> None:
    assert signs_in((*ORDERS, *VISITS, *MAILS)) == ("visits", "opens")
    assert signs_in((*ORDERS, "visits_alone_ever", "emails_sent_ever")) == ()
    assert looked_at([*ORDERS, "spend_ever"]) == tuple(ORDERS)
    assert "emails_opened_90d" not in looked_at([*ORDERS, *MAILS])
    assert set(looked_at([*VISITS, "spend_ever"])) == {*ORDERS, *VISITS}
