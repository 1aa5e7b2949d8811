"""Claiming: due messages of one destination under a lease, after every gate once more."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from serving.dispatch.claim import Claimed, Desk, claim
from serving.dispatch.finish import finish
from serving.dispatch.outcome import SENT
from serving.dispatch.settings import Csv, Webhook
from serving.inbox.database import open_database, writing
from serving.outbox import lists
from serving.outbox.tables import MESSAGES
from tests.pipeline import postgres
from tests.serving.outbox_rows import (
    AS_OF_US,
    DAY_US,
    NOW_US,
    RULES,
    Planned,
    attempts,
    message,
    plan_messages,
    receive,
    states,
    touches,
)

LANE = Csv(kind="csv", channels=["email"], path="x.csv", concurrency=10)
DESK = Desk("letters", LANE, "me")
NUDGE = Planned(action="nudge", intent="ask")
HOUR_US = 3_600_000_000


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'inbox.db'}")


def claimed(engine: Engine, now_us: int = NOW_US, desk: Desk = DESK) -> Claimed:
    with writing(engine) as connection:
        return claim(connection, desk, now_us)


def ids(found: Claimed) -> list[str]:
    return [letter.message_id for letter in found.letters]


def test_a_due_message_is_leased_with_a_rising_token_and_an_open_attempt(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned())
    (letter,) = claimed(engine).letters
    assert (letter.message_id, letter.lease_token, letter.attempts, letter.propensity) == (name, 1, 1, 0.5)
    row = message(engine, name)
    assert (row["state"], row["lease_owner"], row["claimed_us"]) == ("leased", "me", NOW_US)
    assert row["lease_until_us"] == NOW_US + 60_000_000
    assert attempts(engine) == [(name, 1, None, None)]
    assert ids(claimed(engine)) == []


@pytest.mark.parametrize(
    "planned",
    [Planned(send_after_us=NOW_US + 1), Planned(destination="crm"), Planned(state="sent"), Planned(state="unknown")],
    ids=["not yet", "other destination", "sent", "in doubt"],
)
def test_what_is_not_due_here_is_left_alone(engine: Engine, planned: Planned) -> None:
    plan_messages(engine, planned)
    found = claimed(engine)
    assert (found.letters, found.closed) == ([], [])


def test_a_message_past_its_time_expires(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned())
    assert claimed(engine, AS_OF_US + 7 * DAY_US).closed == [("expired", "expired")]
    assert states(engine) == {name: "expired"}


def test_a_message_past_its_time_expires_while_everything_is_stopped_too(engine: Engine) -> None:
    plan_messages(engine, Planned())
    with writing(engine) as connection:
        lists.stop(connection, "all", "asked", NOW_US)
    assert claimed(engine, AS_OF_US + 7 * DAY_US).closed == [("expired", "expired")]


def test_what_cannot_be_read_stops_everything(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned())
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("ALTER TABLE suppressions RENAME TO gone")
    with pytest.raises(sa.exc.OperationalError):
        claimed(engine)
    assert states(engine) == {name: "pending"}
    assert attempts(engine) == []


@pytest.mark.parametrize("name", ["all", "channel:email", "destination:letters"])
def test_a_switch_holds_up_what_it_stops_and_nothing_is_lost(engine: Engine, name: str) -> None:
    (kept,) = plan_messages(engine, Planned())
    with writing(engine) as connection:
        lists.stop(connection, name, "a wrong price", NOW_US)
    found = claimed(engine)
    assert found.letters == []
    assert "a wrong price" in str(found.held)
    assert states(engine) == {kept: "pending"}
    with writing(engine) as connection:
        lists.resume(connection, name, "mended", NOW_US)
    assert ids(claimed(engine)) == [kept]


def test_a_paused_channel_leaves_the_others_of_the_destination_alone(engine: Engine) -> None:
    _, text = plan_messages(engine, Planned(), Planned("c2", channel="sms"))
    with writing(engine) as connection:
        lists.stop(connection, "channel:email", "asked", NOW_US)
    assert ids(claimed(engine)) == [text]


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


def test_of_each_person_the_earliest_open_message_goes_first_wherever_it_goes(engine: Engine) -> None:
    early = Planned(as_of_us=AS_OF_US - 1, destination="crm", send_after_us=NOW_US + DAY_US)
    plan_messages(engine, early)
    plan_messages(engine, Planned(), Planned("c2"))
    assert [letter.customer_id for letter in claimed(engine).letters] == ["c2"]
    with writing(engine) as connection:
        connection.execute(sa.update(MESSAGES).where(MESSAGES.c.destination == "crm").values(state="cancelled"))
    assert [letter.customer_id for letter in claimed(engine).letters] == ["c1"]


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


def test_too_many_complaints_hold_everybody_up(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned())
    for number in range(600):
        receive(engine, "engagement", f"s{number}", "c8", NOW_US - DAY_US, kind="email_sent")
    receive(engine, "engagement", "1", "c9", NOW_US - DAY_US, kind="spam_complaint")
    assert len(claimed(engine, desk=Desk("other", LANE, "me")).letters) == 0
    receive(engine, "engagement", "2", "c9", NOW_US - DAY_US, kind="spam_complaint")
    found = claimed(engine, desk=Desk("letters", LANE, "me"))
    assert "2 spam complaint(s) about 600" in str(found.held)
    assert states(engine) == {name: "pending"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.started() as host:
        yield f"postgresql+psycopg://postgres@/postgres?host={host}"


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, engine: Engine) -> Engine:
    """An empty database of either kind; the server's is used by one test alone."""
    return engine if request.param == "sqlite" else open_database(request.getfixturevalue("server"))


def test_on_either_database_a_message_is_claimed_finished_and_told(either: Engine) -> None:
    names = plan_messages(either, *(Planned(f"either{number}") for number in range(3)))
    found = claimed(either)
    assert sorted(ids(found)) == sorted(names)
    with writing(either) as connection:
        outcomes = {letter.message_id: SENT for letter in found.letters}
        assert finish(connection, DESK, found.letters, outcomes, NOW_US) == ["sent"] * 3
    assert {touch["customer_id"] for touch in touches(either)} == {"either0", "either1", "either2"}
    assert claimed(either, NOW_US + DAY_US).letters == []


@pytest.mark.parametrize("workers", [2, 8])
def test_on_a_server_too_workers_at_once_claim_nothing_twice(server: str, workers: int) -> None:
    engine = open_database(server)
    names = plan_messages(engine, *(Planned(f"w{workers}-{number}") for number in range(40)))
    small = LANE.model_copy(update={"concurrency": 3})

    def work(number: int) -> list[str]:
        return [name for _ in range(15) for name in ids(claimed(engine, desk=Desk("letters", small, f"w{number}")))]

    with ThreadPoolExecutor(workers) as threads:
        taken = [name for found in threads.map(work, range(workers)) for name in found]
    assert sorted(taken) == sorted(names)
    engine.dispose()


@pytest.mark.parametrize("workers", [2, 8])
def test_workers_at_once_pass_no_cap_and_claim_nothing_twice(engine: Engine, workers: int) -> None:
    # Ten people with room for one ask each, two messages each: only one of the two may ever go out.
    rules = RULES.model_copy(update={"min_days_between_touches": 0, "max_touches_per_local_day": 4})
    facts = {"asks": 1.0, "touches": 9.0}
    for part in range(2):
        plan_messages(
            engine,
            *(
                Planned(f"c{n}", "nudge", "ask", facts=facts, as_of_us=AS_OF_US - part, destination=f"lane{part}")
                for n in range(10)
            ),
            policy=rules,
        )
    small = LANE.model_copy(update={"concurrency": 3})

    def work(number: int) -> list[str]:
        desk, found = Desk(f"lane{number % 2}", small, f"w{number}"), list[str]()
        for _ in range(20):
            mine = claimed(engine, desk=desk).letters
            found += [letter.message_id for letter in mine]
            with writing(engine) as connection:
                sent = sa.update(MESSAGES).where(MESSAGES.c.message_id.in_([each.message_id for each in mine]))
                connection.execute(sent.values(state="sent", sent_us=NOW_US))
        return found

    with ThreadPoolExecutor(workers) as threads:
        taken = [name for names in threads.map(work, range(workers)) for name in names]
    taken += work(0) + work(1)  # whoever waited for a lane that ended first
    assert len(taken) == len(set(taken)) == 10
    assert sorted(states(engine).values()) == ["cancelled"] * 10 + ["sent"] * 10


@pytest.mark.parametrize(("knows_ids", "state"), [(True, "leased"), (False, "unknown")])
def test_a_lease_that_ran_out_is_taken_over_only_where_ids_are_known(
    engine: Engine, knows_ids: bool, state: str
) -> None:
    about = {"channels": ["email"], "url": "https://crm.example/", "secret_env": "S", "knows_ids": knows_ids}
    desk = Desk("letters", Webhook.model_validate({"kind": "webhook", **about}), "me")
    (name,) = plan_messages(engine, Planned())
    claimed(engine, desk=desk)
    assert ids(claimed(engine, NOW_US + 59_999_999, desk)) == []
    again = claimed(engine, NOW_US + 60_000_000, desk)
    assert states(engine) == {name: state}
    assert [(letter.lease_token, letter.attempts) for letter in again.letters] == ([(2, 2)] if knows_ids else [])


def test_what_may_have_arrived_is_never_called_cancelled(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned())
    claimed(engine)
    receive(engine, "orders", "1", "c1", NOW_US, revenue=5.0)
    assert claimed(engine, NOW_US + DAY_US // 24).closed == [("unknown", "bought_since")]
    assert states(engine) == {name: "unknown"}


def test_a_crowd_that_is_all_stopped_does_not_hide_who_is_not(engine: Engine) -> None:
    stopped = (Planned(f"a{number:03}", facts={"touches_30d": 9.0}) for number in range(45))
    plan_messages(engine, *stopped, Planned("z", send_after_us=AS_OF_US + 1))
    found = claimed(engine)
    assert [letter.customer_id for letter in found.letters] == ["z"]
    assert len(found.closed) == 45
