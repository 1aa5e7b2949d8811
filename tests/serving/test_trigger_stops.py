"""What keeps a run from contacting somebody, or anybody: news of today, lists, switches, budgets, a broken database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from features.errors import ServingError
from features.log import DAY_US
from serving.desk import Desk
from serving.inbox.database import writing
from serving.inbox.inbox import Received
from serving.outbox import lists
from serving.outbox.person import person_of
from serving.outbox.tables import MESSAGES
from serving.requests import iso
from serving.trigger import Call, trigger
from tests.serving.triggering import HOUR_US, NINE_US, call, contacted, gate_of, triggered, willing


def test_an_order_received_since_last_night_stops_the_message(desk: Desk) -> None:
    name = willing(desk)
    content = orjson.dumps({"order_id": "o1", "customer_id": name, "revenue": 30.0, "ordered_at": iso(NINE_US - 1)})
    desk.inbox.add([Received("orders", "o1", name, NINE_US - 1, content.decode())])
    triggered(desk)
    assert gate_of(desk, name) in ("open_order", "control")
    assert name not in {row["customer_id"] for row in contacted(desk)}


def event(name: str, kind: str, at_us: int, **more: object) -> Received:
    content = {"event_id": f"{kind}-{at_us}", "customer_id": name, "kind": kind, "occurred_at": iso(at_us), **more}
    return Received("engagement", f"{kind}-{at_us}", name, at_us, orjson.dumps(content).decode())


@pytest.mark.parametrize(
    ("kind", "subject", "gate"),
    [
        ("unsubscribe", None, "suppressed"),
        ("spam_complaint", None, "suppressed"),
        ("ticket_opened", "t1", "open_ticket"),
        ("refund", None, "open_return"),
        ("touch", "how_to_content:m-1", "frequency_cap"),
    ],
)
def test_an_event_of_today_stops_the_message(desk: Desk, kind: str, subject: str | None, gate: str) -> None:
    name = willing(desk)
    desk.inbox.add([event(name, kind, NINE_US - HOUR_US, subject=subject, value=1.0)])
    triggered(desk)
    assert gate_of(desk, name) == gate


def test_what_may_have_been_sent_counts_as_sent(desk: Desk) -> None:
    triggered(desk)
    name = contacted(desk)[0]["customer_id"]
    with writing(desk.inbox.engine) as connection:
        connection.execute(sa.update(MESSAGES).values(state="unknown", claimed_us=NINE_US))
    triggered(desk, NINE_US + DAY_US)
    assert gate_of(desk, str(name)) == "frequency_cap"
    triggered(desk, NINE_US + 4 * DAY_US)
    assert gate_of(desk, str(name)) != "frequency_cap"


def test_who_was_suppressed_on_every_channel_is_left_alone(desk: Desk) -> None:
    name = willing(desk)
    with writing(desk.inbox.engine) as connection:
        lists.suppress(connection, person_of(name, desk.key), "*", "asked", NINE_US, "a letter")
    triggered(desk)
    assert gate_of(desk, name) == "suppressed"


def test_a_suppression_that_comes_between_deciding_and_writing_is_seen(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving import trigger as module

    name, made = willing(desk), module.make

    def late(desk: Desk, asked: Call, connection: sa.Connection) -> object:
        found = made(desk, asked, connection)
        monkeypatch.setattr(module, "make", made)
        other = Desk.open(desk.places)
        with writing(other.inbox.engine) as writer:
            lists.suppress(writer, person_of(name, desk.key), "*", "asked", NINE_US, "a letter")
        return found

    monkeypatch.setattr(module, "make", late)
    triggered(desk)
    assert gate_of(desk, name) == "suppressed"


def test_a_stopped_shop_and_a_stopped_channel_contact_nobody(desk: Desk) -> None:
    with writing(desk.inbox.engine) as connection:
        lists.stop(connection, "all", "a fault in the template", NINE_US)
    told = triggered(desk)
    assert told["by_gate"] == {"paused": told["customers"]}
    with writing(desk.inbox.engine) as connection:
        lists.resume(connection, "all", "mended", NINE_US)
        lists.stop(connection, "channel:email", "the provider is down", NINE_US)
    triggered(desk, NINE_US + 1)
    assert "email" not in {row["channel"] for row in contacted(desk)}


def test_old_data_contact_nobody(desk: Desk) -> None:
    told = triggered(desk, NINE_US + 8 * DAY_US)
    assert told["messages"] == 0
    assert "stale_data" in told["by_gate"]  # type: ignore[operator]


def test_the_budget_of_a_day_holds_over_several_runs(home: Path, desk: Desk) -> None:
    tight = desk.policy.model_copy(update={"max_contacts": 12})
    names = desk.store.customer_ids()
    limited = Desk(**{**vars(desk), "policy": tight})
    first = triggered(limited, customers=names[: len(names) // 2])
    second = triggered(limited, NINE_US + HOUR_US, customers=names[len(names) // 2 :])
    assert 0 < int(str(first["messages"])) <= 12
    assert int(str(first["messages"])) + int(str(second["messages"])) <= 12
    assert triggered(limited, NINE_US + 2 * HOUR_US)["messages"] == 0


def test_complaints_received_since_last_night_stop_everybody(desk: Desk) -> None:
    sent = [event(f"x{n}", "email_sent", NINE_US - HOUR_US - n) for n in range(500)]
    told = [event(f"x{n}", "spam_complaint", NINE_US - HOUR_US - n) for n in range(3)]
    desk.inbox.add([*sent, *told[:1]])
    assert "complaint_breaker" not in triggered(desk, customers=desk.store.customer_ids()[:40])["by_gate"]  # type: ignore[operator]
    desk.inbox.add(told[1:])
    later = triggered(desk, NINE_US + 1)
    assert later["messages"] == 0
    assert "complaint_breaker" in later["by_gate"]  # type: ignore[operator]


Breakage = Callable[[Path], None]


def _garbled(home: Path) -> None:
    for file in (home / "data").glob("inbox.db*"):
        file.write_bytes(b"no database at all" * 500)


def _without_lists(home: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{home / 'data/inbox.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE suppressions"))


@pytest.mark.parametrize("breakage", [_garbled, _without_lists])
def test_a_database_that_cannot_be_read_lets_nobody_through(desk: Desk, home: Path, breakage: Breakage) -> None:
    breakage(home)
    with pytest.raises(ServingError, match="does not answer"):
        trigger(desk, call())
