"""Finishing: the state, the attempt and the touch in one transaction, and only by who holds the lease."""

from __future__ import annotations

import random

import orjson
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from serving.dispatch.claim import Desk, Letter, claim
from serving.dispatch.finish import finish
from serving.dispatch.outcome import SENT, Outcome, wait_seconds
from serving.dispatch.settings import Csv, Destination, Webhook
from serving.events import ReceivedEvent
from serving.inbox.database import writing
from serving.outbox.lists import switches
from tests.serving.outbox_rows import NOW_US, Planned, attempts, message, plan_messages, states, touches

SECOND_US = 1_000_000
CSV = Csv(kind="csv", channels=["email"], path="x.csv", max_attempts=2, first_retry_seconds=10)
STRANGER = Webhook(
    kind="webhook", channels=["email"], url="https://crm.example/", secret_env="CRM_SECRET", knows_ids=False
)
FAILED, DOUBTFUL = Outcome("failed", "no"), Outcome("doubtful", "who knows")
REFUSED, GONE = Outcome("refused", "no", 400), Outcome("gone", "the receiver answered 410 Gone", 410)


def take(engine: Engine, now_us: int = NOW_US, lane: Destination = CSV) -> list[Letter]:
    with writing(engine) as connection:
        return claim(connection, Desk("letters", lane, "me"), now_us).letters


def end(
    engine: Engine, letters: list[Letter], outcome: Outcome, now_us: int = NOW_US, lane: Destination = CSV
) -> list[str]:
    with writing(engine) as connection:
        outcomes = {letter.message_id: outcome for letter in letters}
        return finish(connection, Desk("letters", lane, "me"), letters, outcomes, now_us)


def test_what_was_sent_is_a_touch_that_the_endpoint_would_have_kept_the_same_way(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned(propensity=0.25))
    assert end(engine, take(engine), SENT, NOW_US + 5) == ["sent"]
    row = message(engine, name)
    assert (row["state"], row["sent_us"], row["lease_until_us"], row["reason"]) == ("sent", NOW_US + 5, None, None)
    assert attempts(engine) == [(name, 1, "sent", None)]
    (touch,) = touches(engine)
    assert touch == {
        "event_id": name,
        "customer_id": "c1",
        "kind": "touch",
        "subject": f"how_to_content:{name}",
        "value": 0.25,
        "occurred_at": "2025-11-18T12:00:00.000005Z",
        "known_at": "2025-11-18T12:00:00.000005Z",
    }
    shaped = ReceivedEvent.model_validate_json(orjson.dumps(touch)).model_dump(exclude_none=True)
    assert orjson.loads(orjson.dumps(shaped, option=orjson.OPT_UTC_Z)) == touch


@pytest.mark.parametrize(
    ("lane", "outcome", "state"),
    [
        (CSV, FAILED, "retry"),
        (CSV, DOUBTFUL, "retry"),
        (CSV, REFUSED, "dead"),
        (CSV, GONE, "dead"),
        (STRANGER, FAILED, "retry"),
        (STRANGER, DOUBTFUL, "unknown"),
    ],
)
def test_each_outcome_has_its_state(engine: Engine, lane: Destination, outcome: Outcome, state: str) -> None:
    (name,) = plan_messages(engine, Planned())
    assert end(engine, take(engine, lane=lane), outcome, lane=lane) == [state]
    assert message(engine, name)["reason"] == outcome.told
    assert touches(engine) == []


@pytest.mark.parametrize(
    ("first", "last", "state"),
    [(FAILED, FAILED, "dead"), (DOUBTFUL, FAILED, "unknown"), (DOUBTFUL, REFUSED, "unknown"), (FAILED, SENT, "sent")],
)
def test_after_the_last_try_only_what_surely_did_not_arrive_is_dead(
    engine: Engine, first: Outcome, last: Outcome, state: str
) -> None:
    plan_messages(engine, Planned())
    end(engine, take(engine), first)
    later = NOW_US + 10 * SECOND_US
    assert end(engine, take(engine, later), last, later) == [state]
    assert take(engine, later + 60 * SECOND_US) == []


def test_the_next_try_waits_as_long_as_was_asked(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned())
    end(engine, take(engine), Outcome("failed", "later", 429, wait_seconds=7))
    assert message(engine, name)["next_attempt_us"] == NOW_US + 7 * SECOND_US
    assert take(engine, NOW_US + 7 * SECOND_US - 1) == []
    assert len(take(engine, NOW_US + 7 * SECOND_US)) == 1


def test_a_try_that_would_come_too_late_is_the_messages_end(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned(expires_at_us=NOW_US + 5 * SECOND_US))
    end(engine, take(engine), Outcome("failed", "later", 429, wait_seconds=7))
    assert take(engine, NOW_US + 5 * SECOND_US) == []
    assert states(engine) == {name: "expired"}


def test_waits_double_with_full_jitter_below_the_longest() -> None:
    lane = CSV.model_copy(update={"first_retry_seconds": 10, "longest_retry_seconds": 100})
    for attempts_made, ceiling in ((1, 10), (2, 20), (3, 40), (9, 100)):
        drawn = [wait_seconds(lane, attempts_made, None, random.Random(seed)) for seed in range(300)]
        assert 0 <= min(drawn) < 0.1 * ceiling
        assert 0.9 * ceiling < max(drawn) <= ceiling
    assert wait_seconds(lane, 1, 9_999, random.Random(1)) == 100


def test_gone_stops_the_destination(engine: Engine) -> None:
    plan_messages(engine, Planned(), Planned("c2", send_after_us=NOW_US + 1))
    end(engine, take(engine), GONE)
    with engine.connect() as connection:
        assert [(switch.name, switch.is_stopped) for switch in switches(connection)] == [("destination:letters", True)]
    assert take(engine, NOW_US + 1) == []


def test_who_lost_the_lease_changes_nothing(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned())
    slow = take(engine)
    fast = take(engine, NOW_US + 60 * SECOND_US)
    assert end(engine, slow, SENT) == ["fenced"]
    assert states(engine) == {name: "leased"}
    assert touches(engine) == []
    assert end(engine, fast, SENT) == ["sent"]
    assert len(touches(engine)) == 1
    assert end(engine, slow, FAILED) == ["fenced"]
    assert end(engine, fast, FAILED) == ["fenced"]
    assert states(engine) == {name: "sent"}


def test_who_lost_the_lease_but_sent_it_saves_it_from_being_sent_again(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned())
    slow = take(engine)
    with writing(engine) as connection:
        claim(connection, Desk("letters", CSV.model_copy(update={"max_attempts": 1}), "me"), NOW_US + 60 * SECOND_US)
    assert states(engine) == {name: "unknown"}
    assert end(engine, slow, SENT) == ["sent"]
    assert len(touches(engine)) == 1


def test_nothing_is_written_when_a_part_cannot_be(engine: Engine) -> None:
    (name,) = plan_messages(engine, Planned())
    letters = take(engine)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("ALTER TABLE received RENAME TO gone")
    with pytest.raises(sa.exc.OperationalError, match="no such table: received"):
        end(engine, letters, SENT)
    assert states(engine) == {name: "leased"}
    assert attempts(engine) == [(name, 1, None, None)]
