"""What events say to the gates, on a handful of hand-written events."""

from __future__ import annotations

import numpy as np
import pytest

from serving.history import Events, History, action_of, complaint_share, data_age_days, gather_history
from tests.serving.people import ACTION, AS_OF_US, DAY_US, policy

RULES = policy(actions={"talk": ACTION, "pitch": {**ACTION, "intent": "ask"}})
Row = tuple[int, float, str, str | None]


def history(*rows: Row, customers: int = 2) -> History:
    """Rows are customer, days before the instant, kind, subject."""
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    events = Events(
        np.array(columns[0], dtype=np.int64),
        np.array([AS_OF_US - int(days * DAY_US) for days in columns[1]], dtype=np.int64),
        np.array(columns[2], dtype=object),
        np.array(columns[3], dtype=object),
    )
    return gather_history(customers, events, AS_OF_US, RULES)


def test_without_events_there_is_no_history() -> None:
    found = history()
    assert found.touches.tolist() == [0, 0]
    assert not found.suppressed.any()
    assert not found.open_ticket.any()
    assert np.isnan(found.days_since_last_touch).all()
    assert found.days_since_action.shape == (2, 2)


def test_touches_and_asks_are_counted_per_person() -> None:
    found = history((0, 40, "touch", "talk:1"), (0, 5, "touch", "pitch:2"), (1, 1, "touch", "talk:3"))
    assert found.touches.tolist() == [2, 1]
    assert found.touches_30d.tolist() == [1, 1]
    assert found.asks.tolist() == [1, 0]
    assert found.days_since_last_touch.tolist() == [5, 1]
    np.testing.assert_array_equal(found.days_since_action, [[40, 5], [1, np.nan]])


def test_a_touch_of_unknown_origin_counts_as_an_ask() -> None:
    found = history((0, 1, "touch", "campaign 7"), (0, 2, "touch", None), (0, 3, "touch", "spring_sale:9"))
    assert found.asks.tolist() == [3, 0]
    assert np.isnan(found.days_since_action).all()


@pytest.mark.parametrize("kind", ["unsubscribe", "spam_complaint"])
def test_an_opt_out_suppresses_for_good(kind: str) -> None:
    assert history((1, 900, kind, None)).suppressed.tolist() == [False, True]


def test_nothing_at_or_after_the_instant_counts() -> None:
    found = history((0, 0, "unsubscribe", None), (0, -1, "touch", "talk:1"), (0, -2, "ticket_opened", "t"))
    assert not found.suppressed.any()
    assert found.touches.tolist() == [0, 0]
    assert not found.open_ticket.any()


def test_a_ticket_is_open_until_its_own_close() -> None:
    found = history((0, 9, "ticket_opened", "t1"), (0, 8, "ticket_closed", "t2"), (1, 9, "ticket_opened", "t1"))
    assert found.open_ticket.tolist() == [True, True]
    closed = history((0, 9, "ticket_opened", "t1"), (0, 8, "ticket_closed", "t1"), (1, 9, "ticket_opened", "t1"))
    assert closed.open_ticket.tolist() == [False, True]


def test_a_ticket_opened_again_is_open() -> None:
    rows: tuple[Row, ...] = (
        (0, 9, "ticket_opened", "t"), (0, 8, "ticket_closed", "t"), (0, 7, "ticket_opened", "t"),
    )  # fmt: skip
    assert history(*rows).open_ticket.tolist() == [True, False]


def test_a_ticket_without_a_close_is_forgotten_after_a_while() -> None:
    assert not history((0, 61, "ticket_opened", "t")).open_ticket.any()


@pytest.mark.parametrize("kind", ["refund", "cancellation"])
def test_a_return_is_in_progress_for_two_weeks(kind: str) -> None:
    found = history((0, 13.9, kind, None), (1, 14.1, kind, None))
    assert found.open_return.tolist() == [True, False]


def test_the_complaint_share_looks_at_thirty_days_of_the_whole_shop() -> None:
    days = {"spam_complaint": [1, 40], "email_sent": [1, 2, 3, 50], "touch": [4]}
    times = {kind: AS_OF_US - np.array(ages) * DAY_US for kind, ages in days.items()}
    assert complaint_share(times, AS_OF_US) == 0.25


def test_complaints_without_a_message_stop_everything() -> None:
    assert complaint_share({"spam_complaint": np.array([AS_OF_US - DAY_US])}, AS_OF_US) == 1.0
    assert complaint_share({"spam_complaint": np.zeros(0, dtype=np.int64)}, AS_OF_US) == 0.0


def test_data_age_is_counted_from_the_last_event_before_the_instant() -> None:
    times = {
        "order": np.array([AS_OF_US - 9 * DAY_US, AS_OF_US + DAY_US]),
        "session": np.array([AS_OF_US - 3 * DAY_US]),
    }
    assert data_age_days(times, AS_OF_US) == 3.0
    assert data_age_days({"order": np.zeros(0, dtype=np.int64)}, AS_OF_US) == float("inf")


@pytest.mark.parametrize(("subject", "name"), [("talk:1", "talk"), ("talk", ""), (None, ""), (":1", "")])
def test_the_action_is_the_part_before_the_colon(subject: str | None, name: str) -> None:
    assert action_of(subject) == name


def test_touches_of_the_day_follow_the_clock_on_the_wall() -> None:
    # 12:00 UTC is 7:00 in New York: that day's first sending is at 8:00, its day began at 5:00 UTC.
    hours = [1, 8, 13]
    events = Events(
        np.repeat(np.arange(2), 3),
        np.array([AS_OF_US - hour * DAY_US // 24 for hour in hours * 2], dtype=np.int64),
        np.full(6, "touch", dtype=object),
        np.full(6, "talk:1", dtype=object),
    )
    found = gather_history(2, events, AS_OF_US, RULES, ["UTC", "America/New_York"])
    assert found.touches_today.tolist() == [2, 1]


def test_a_day_of_sending_that_has_not_begun_has_no_touches() -> None:
    # 12:00 UTC is 22:00 in Sydney: nothing goes out before the next morning.
    events = Events(
        np.array([0]), np.array([AS_OF_US - 1]), np.array(["touch"], dtype=object), np.array(["talk:1"], dtype=object)
    )
    assert gather_history(1, events, AS_OF_US, RULES, ["Australia/Brisbane"]).touches_today.tolist() == [0]
    assert gather_history(1, events, AS_OF_US, RULES).touches_today.tolist() == [1]
