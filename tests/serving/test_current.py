"""What is known now equals what a nightly run at that instant would know, and more where the ledger says more."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pytest

from features.log import DAY_US
from serving import received
from serving.current import Known, read_known, with_ledger
from serving.desk import Desk
from serving.inbox.database import INBOX_URL
from serving.inbox.inbox import Received
from serving.outbox.reading import Ledger
from serving.requests import iso, microseconds
from serving.settings import Places
from tests.serving.people import people
from tests.serving.shop import copy_of

NOON_US = microseconds(datetime(2026, 1, 1, 12, tzinfo=UTC))
QUIET = Ledger(frozenset(), {}, frozenset(), {}, ())


@pytest.fixture
def desk(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv(INBOX_URL, raising=False)
    return Desk.open(Places(copy_of(run, tmp_path / "run")))


def known(desk: Desk, at_us: int, ledger: Ledger = QUIET) -> Known:
    names = desk.store.customer_ids()
    return read_known(desk, ledger, received.histories_since(desk.inbox, desk.store, names), names, at_us)


def test_without_news_last_nights_facts_stand(desk: Desk) -> None:
    names = desk.store.customer_ids()
    stored = [orjson.loads(cell) for cell in desk.store.cells("facts", names).values()]
    facts = known(desk, desk.as_of_us).facts.rows()
    assert {str(row["customer_id"]): row for row in facts} == {row["customer_id"]: row for row in stored}


def test_facts_grow_older_with_the_hours(desk: Desk) -> None:
    before, after = known(desk, desk.as_of_us).facts, known(desk, NOON_US).facts
    grown = after.days_since_last_order - before.days_since_last_order
    assert grown == pytest.approx(np.full(len(after), 0.5))
    touched = ~np.isnan(before.days_since_last_touch)
    assert touched.any()
    assert (after.days_since_last_touch - before.days_since_last_touch)[touched] == pytest.approx(0.5)


def test_whoever_is_computed_anew_has_the_facts_that_only_grow_older(desk: Desk) -> None:
    aged = known(desk, NOON_US).facts
    sessions = [
        Received("engagement", f"s-{name}", name, NOON_US - 1, _event(f"s-{name}", name, "session", NOON_US - 1))
        for name in desk.store.customer_ids()
    ]
    desk.inbox.add(sessions)
    anew = known(desk, NOON_US).facts
    for column in ("orders", "days_since_last_order", "order_value_money", "mean_gap_days", "touches", "asks"):
        np.testing.assert_allclose(getattr(anew, column), getattr(aged, column), rtol=1e-9, err_msg=column)
    np.testing.assert_allclose(anew.days_since_action, aged.days_since_action, rtol=1e-9)
    assert anew.suppressed.tolist() == aged.suppressed.tolist()
    assert (anew.open_ticket <= aged.open_ticket).all()


def test_an_order_of_today_is_known_today(desk: Desk) -> None:
    name = desk.store.customer_ids()[0]
    content = {"order_id": "o1", "customer_id": name, "revenue": 30.0, "ordered_at": iso(NOON_US - DAY_US // 4)}
    desk.inbox.add([Received("orders", "o1", name, NOON_US - DAY_US // 4, orjson.dumps(content).decode())])
    before, after = known(desk, desk.as_of_us).facts, known(desk, NOON_US).facts
    assert after.days_since_last_order[0] == 0.25
    assert after.orders[0] == before.orders[0] + 1
    assert after.churn_probability[0] != before.churn_probability[0]


def test_what_may_have_been_sent_is_a_touch_and_an_ask_where_it_was_one(desk: Desk) -> None:
    name = desk.store.customer_ids()[0]
    sent = Ledger(frozenset(), {}, frozenset(), {name: [(NOON_US - DAY_US // 12, "win_back_discount")]}, ())
    before, after = known(desk, NOON_US).facts, known(desk, NOON_US, sent).facts
    assert after.touches[0] == before.touches[0] + 1
    assert after.asks[0] == before.asks[0] + 1
    assert after.touches_today[0] == 1
    assert after.touches[1:].tolist() == before.touches[1:].tolist()


def test_the_ledger_is_told_of_people_whose_events_came_with_the_request() -> None:
    ledger = Ledger(frozenset({"c1"}), {"c2": ["sms"]}, frozenset({"c3"}), {}, ())
    facts = with_ledger(people({}, {"customer_id": "c2"}, {"customer_id": "c3", "suppressed": True}), ledger)
    assert facts.suppressed.tolist() == [True, False, True]
    assert facts.blocked.tolist() == [[False] * 4, [False, True, False, False], [False] * 4]
    assert facts.open_message.tolist() == [False, False, True]


def _event(name: str, customer: str, kind: str, at_us: int) -> str:
    return orjson.dumps({"event_id": name, "customer_id": customer, "kind": kind, "occurred_at": iso(at_us)}).decode()
