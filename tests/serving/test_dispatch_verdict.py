"""May a message still go out? What was learned since the decision, asked once more when it is claimed."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from serving.inbox.database import writing
from serving.outbox import lists
from tests.serving.claiming import HOUR_US, claimed, ids
from tests.serving.outbox_rows import AS_OF_US, DAY_US, NOW_US, RULES, Planned, message, plan_messages, receive, states


@pytest.mark.parametrize("channel", ["email", "*"])
def test_a_suppressed_person_gets_nothing(engine: Engine, channel: str) -> None:
    (name,) = plan_messages(engine, Planned())
    with writing(engine) as connection:
        lists.suppress(connection, Planned().person, channel, "asked", NOW_US, "test")
    assert claimed(engine).closed == [("cancelled", "suppressed")]
    assert message(engine, name)["reason"] == "suppressed"


def test_a_suppression_of_another_channel_does_not_count(engine: Engine) -> None:
    plan_messages(engine, Planned())
    with writing(engine) as connection:
        lists.suppress(connection, Planned().person, "sms", "asked", NOW_US, "test")
    assert len(claimed(engine).letters) == 1


NEWS = {
    "an opt-out": ("engagement", {"kind": "unsubscribe"}, "suppressed"),
    "an order": ("orders", {"revenue": 5.0}, "bought_since"),
    "a ticket": ("engagement", {"kind": "ticket_opened", "subject": "t1"}, "open_ticket"),
    "a refund": ("engagement", {"kind": "refund", "value": 5.0}, "open_return"),
    "another's touch": ("engagement", {"kind": "touch", "subject": "crm:1"}, "frequency_cap"),
}


@pytest.mark.parametrize("name", NEWS)
def test_what_was_received_since_the_decision_counts(engine: Engine, name: str) -> None:
    sort, more, gate = NEWS[name]
    plan_messages(engine, Planned(), Planned("c2"))
    receive(engine, sort, "1", "c1", NOW_US - 1, **more)
    found = claimed(engine)
    assert found.closed == [("cancelled", gate)]
    assert [letter.customer_id for letter in found.letters] == ["c2"]


def test_an_order_the_decision_knew_does_not_count_but_one_known_too_late_does(engine: Engine) -> None:
    receive(engine, "orders", "1", "c1", AS_OF_US - 1, revenue=5.0)
    receive(engine, "orders", "2", "c2", AS_OF_US, revenue=5.0)
    plan_messages(engine, Planned(), Planned("c2"))
    found = claimed(engine)
    assert [letter.customer_id for letter in found.letters] == ["c1"]
    assert found.closed == [("cancelled", "bought_since")]


def test_a_ticket_closed_again_is_no_ticket(engine: Engine) -> None:
    plan_messages(engine, Planned())
    receive(engine, "engagement", "1", "c1", NOW_US - 2, kind="ticket_opened", subject="t1")
    receive(engine, "engagement", "2", "c1", NOW_US - 1, kind="ticket_closed", subject="t1")
    assert len(claimed(engine).letters) == 1


FACTS = {
    "no consent": (Planned(facts={"consent": [0.0, 1.0, 1.0]}), "no_consent"),
    "unknown consent": (Planned(facts={"consent": [None, 1.0, 1.0]}), "no_consent"),
    "month full": (Planned(facts={"touches_30d": 4.0}), "frequency_cap"),
    "touched lately": (Planned(facts={"days_since_last_touch": 2.9}), "frequency_cap"),
    "too many asks": (Planned(action="nudge", intent="ask", facts={"asks": 2.0, "touches": 10.0}), "ask_ratio"),
    "unknown action": (Planned(action="coupon"), "other_policy"),
}


@pytest.mark.parametrize("name", FACTS)
def test_the_decisions_own_facts_are_looked_at_again(engine: Engine, name: str) -> None:
    planned, gate = FACTS[name]
    plan_messages(engine, planned)
    assert claimed(engine).closed == [("cancelled", gate)]


def test_stale_data_and_a_lost_decision_stop_a_message(engine: Engine) -> None:
    plan_messages(engine, Planned(expires_at_us=AS_OF_US + 20 * DAY_US))
    assert claimed(engine, AS_OF_US + 7 * DAY_US).closed == [("cancelled", "stale_data")]
    plan_messages(engine, Planned("c2"))
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM decisions")
    assert claimed(engine).closed == [("cancelled", "no_decision")]


def test_the_quiet_hours_of_the_person_move_a_message_to_the_morning(engine: Engine) -> None:
    # Noon UTC is 21 o'clock in Tokyo; at eight it is eleven at night in UTC.
    (name,) = plan_messages(engine, Planned(facts={"timezone": "Asia/Tokyo"}))
    assert claimed(engine).closed == [("waiting", "quiet_hours")]
    row = message(engine, name)
    assert (row["state"], row["send_after_us"]) == ("pending", NOW_US + 11 * HOUR_US)
    assert ids(claimed(engine, NOW_US + 11 * HOUR_US - 1)) == []
    assert ids(claimed(engine, NOW_US + 11 * HOUR_US)) == [name]


def test_a_morning_that_comes_too_late_ends_it(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned(facts={"timezone": "Asia/Tokyo"}, expires_at_us=NOW_US + 11 * HOUR_US))
    assert claimed(engine).closed == [("expired", "quiet_hours")]
    assert states(engine) == {name: "expired"}


@pytest.mark.parametrize(
    ("state", "closed"),
    [
        ("sent", [("cancelled", "frequency_cap")]),
        ("unknown", [("cancelled", "frequency_cap")]),
        ("leased", []),  # the second one waits for it
    ],
)
def test_messages_that_went_out_or_may_have_count_against_the_caps(
    engine: Engine, state: str, closed: list[tuple[str, str]]
) -> None:
    before = Planned(as_of_us=AS_OF_US - 1, state=state, destination="crm")
    plan_messages(engine, before, claimed_us=NOW_US, lease_until_us=NOW_US + DAY_US)
    plan_messages(engine, Planned())
    found = claimed(engine, NOW_US + 1)
    assert (found.letters, found.closed) == ([], closed)


def test_a_touch_that_the_facts_know_already_counts_once(engine: Engine) -> None:
    rules = RULES.model_copy(update={"max_touches_per_30_days": 2, "min_days_between_touches": 0})
    sent_us = AS_OF_US - 5 * DAY_US
    before = Planned(as_of_us=sent_us, state="sent", action="follow_up", intent="service")
    plan_messages(engine, before, sent_us=sent_us)
    receive(engine, "engagement", before.message_id, "c1", sent_us, kind="touch", subject="follow_up:x")
    plan_messages(engine, Planned(facts={"touches_30d": 1.0}), policy=rules)
    assert len(claimed(engine).letters) == 1


def test_one_message_a_day_by_the_persons_own_calendar(engine: Engine) -> None:
    rules = RULES.model_copy(update={"min_days_between_touches": 0})
    # 12:00 UTC is 1 o'clock of the next day in Auckland, where 10:59 UTC was still yesterday; nights are open.
    rules = rules.model_copy(update={"quiet_hours": (0, 0)})
    for zone, touched_us, gate in (
        ("Pacific/Auckland", NOW_US - 61 * 60_000_000, None),
        ("Pacific/Auckland", NOW_US - 59 * 60_000_000, "frequency_cap"),
        ("UTC", NOW_US - 61 * 60_000_000, "frequency_cap"),
    ):
        name = f"{zone}{touched_us}"
        planned = Planned(name, facts={"timezone": zone})
        plan_messages(engine, planned, policy=rules)
        receive(engine, "engagement", name, name, touched_us, kind="touch", subject="follow_up:x")
        assert claimed(engine).closed == ([] if gate is None else [("cancelled", gate)])
