"""Claiming: due messages of one destination under a lease, by many workers at once and after a lease that ran out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from serving.dispatch.claim import Desk
from serving.dispatch.finish import finish
from serving.dispatch.outcome import SENT
from serving.dispatch.settings import Webhook
from serving.inbox.database import open_database, writing
from serving.outbox import lists
from serving.outbox.tables import MESSAGES
from tests.pipeline import postgres
from tests.serving.claiming import DESK, LANE, claimed, ids
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


def test_of_each_person_the_earliest_open_message_goes_first_wherever_it_goes(engine: Engine) -> None:
    early = Planned(as_of_us=AS_OF_US - 1, destination="crm", send_after_us=NOW_US + DAY_US)
    plan_messages(engine, early)
    plan_messages(engine, Planned(), Planned("c2"))
    assert [letter.customer_id for letter in claimed(engine).letters] == ["c2"]
    with writing(engine) as connection:
        connection.execute(sa.update(MESSAGES).where(MESSAGES.c.destination == "crm").values(state="cancelled"))
    assert [letter.customer_id for letter in claimed(engine).letters] == ["c1"]


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
