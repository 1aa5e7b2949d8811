"""Events received: row by row, kept or refused with the field; the next score by id is the next nightly one."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pandas as pd
import pytest

from features.errors import ServingError
from pipeline.check import check
from pipeline.featurize import featurize
from pipeline.params import load_params
from pipeline.plan import plan as plan_stage
from pipeline.pull import pull
from pipeline.score import score as score_stage
from serving.answers import score
from serving.desk import Desk
from serving.events import EventsRequest, keep
from serving.planner import plan
from serving.problems import Problem
from serving.requests import PlanRequest, ScoreRequest
from serving.settings import Places
from serving.shapes import EventsAnswer

AT = "2025-12-30T10:00:00Z"
SESSION: dict[str, object] = {"event_id": "e1", "customer_id": "c1", "kind": "session", "occurred_at": AT}
ORDER: dict[str, object] = {"order_id": "o1", "customer_id": "c1", "ordered_at": AT, "revenue": 49.9}


def sent(desk: Desk, **rows: list[object]) -> EventsAnswer:
    answer = keep(desk, EventsRequest.model_validate_json(orjson.dumps(rows)))
    return EventsAnswer.model_validate_json(orjson.dumps(answer))


def scored(desk: Desk, name: str, **more: object) -> dict[str, object]:
    request = ScoreRequest.model_validate_json(orjson.dumps({"customers": [{"customer_id": name}], **more}))
    found: dict[str, object] = orjson.loads(orjson.dumps(score(desk, request)))["customers"][0]
    return found


def nightly(home: Path) -> pd.DataFrame:
    return pd.read_parquet(home / "data/scores.parquet").set_index("customer_id")


def test_each_row_has_its_own_result_in_the_order_sent(desk: Desk) -> None:
    other = {**SESSION, "kind": "search"}
    answer = sent(desk, engagement=[SESSION, SESSION, other, 5], orders=[ORDER])
    assert [(row.table, row.place, row.id, row.result) for row in answer.results] == [
        ("orders", 0, "o1", "accepted"),
        ("engagement", 0, "e1", "accepted"),
        ("engagement", 1, "e1", "duplicate"),
        ("engagement", 2, "e1", "refused"),
        ("engagement", 3, None, "refused"),
    ]
    assert (answer.accepted, answer.duplicate, answer.refused) == (2, 1, 2)
    assert answer.results[3].error is not None
    assert (answer.results[3].error.status, answer.results[3].error.field) == (409, "engagement[2].event_id")


def test_sent_again_a_row_is_a_duplicate_however_its_time_is_written(desk: Desk) -> None:
    sent(desk, engagement=[SESSION])
    again = sent(desk, engagement=[{**SESSION, "occurred_at": "2025-12-30T11:00:00+01:00"}])
    assert [row.result for row in again.results] == ["duplicate"]


@pytest.mark.parametrize(
    ("table", "row", "field"),
    [
        ("engagement", {**SESSION, "kind": "bogus"}, "engagement[0].kind"),
        ("engagement", {**SESSION, "colour": "red"}, "engagement[0].colour"),
        ("engagement", {**SESSION, "occurred_at": "2025-12-30T10:00:00"}, "engagement[0].occurred_at"),
        ("engagement", {**SESSION, "event_id": "a\x00b"}, "engagement[0].event_id"),
        ("engagement", {**SESSION, "kind": "refund"}, "engagement[0].value"),
        ("engagement", {**SESSION, "kind": "nps", "value": 11}, "engagement[0].value"),
        (
            "engagement",
            {name: SESSION[name] for name in ("event_id", "kind", "occurred_at")},
            "engagement[0].customer_id",
        ),
        ("orders", {**ORDER, "revenue": 0}, "orders[0].revenue"),
        ("orders", {name: ORDER[name] for name in ("order_id", "customer_id", "ordered_at")}, "orders[0].revenue"),
        ("orders", {**ORDER, "order_items": [{"product_id": "p"}]}, "orders[0].order_items[0].quantity"),
    ],
)
def test_a_wrong_row_is_refused_with_its_field(desk: Desk, table: str, row: dict[str, object], field: str) -> None:
    answer = sent(desk, **{table: [row]})
    assert [one.result for one in answer.results] == ["refused"]
    assert answer.results[0].error is not None
    assert answer.results[0].error.field == field
    assert desk.inbox.mark().last == 0


def test_what_has_not_come_yet_is_refused_but_not_a_clock_a_little_ahead(desk: Desk) -> None:
    now = datetime.now(UTC)
    soon, tomorrow = ({**SESSION, "occurred_at": (now + ahead).isoformat()} for ahead in _AHEAD)
    assert [row.result for row in sent(desk, engagement=[soon]).results] == ["accepted"]
    answer = sent(desk, engagement=[{**tomorrow, "event_id": "e2"}])
    assert answer.results[0].error is not None
    assert answer.results[0].error.type == "/problems/future-event"


_AHEAD = (timedelta(minutes=1), timedelta(days=1))


def test_nothing_and_too_much_are_refused_whole(desk: Desk) -> None:
    with pytest.raises(Problem, match="at least one row"):
        sent(desk)
    many = [{**SESSION, "event_id": str(number)} for number in range(desk.limits.max_customers + 1)]
    with pytest.raises(Problem, match="at most 10000 fit"):
        sent(desk, engagement=many)  # type: ignore[arg-type]


def test_the_next_score_by_id_is_the_next_nightly_one(desk: Desk, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, other = nightly(home).index[:2]
    items = [{"product_id": "p1", "category": "new", "quantity": 2, "unit_price": 24.95}]
    event = {**SESSION, "customer_id": name, "occurred_at": "2025-12-31T09:00:00Z"}
    sent(desk, orders=[{**ORDER, "customer_id": name, "order_items": items}], engagement=[event])
    before, found = nightly(home).loc[name], scored(desk, name)
    assert found["source"] == "received"
    assert float(str(found["churn_probability"])) < before["churn_probability"]
    assert scored(desk, other)["source"] == "nightly"

    monkeypatch.chdir(home)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    params = load_params()
    for stage in (pull, check, featurize, score_stage, plan_stage):
        stage(params)
    after = Desk.open(Places(home))
    assert scored(after, name)["source"] == "nightly"
    assert scored(after, name)["as_of"] == found["as_of"]
    assert scored(after, name)["churn_probability"] == pytest.approx(found["churn_probability"], abs=1e-6)


def test_the_instant_follows_the_last_row_received_unless_one_is_asked_for(desk: Desk, home: Path) -> None:
    name = str(nightly(home).index[0])
    sent(desk, engagement=[{**SESSION, "customer_id": name, "occurred_at": "2026-01-05T10:00:00Z"}])
    assert scored(desk, name)["as_of"] == "2026-01-06T00:00:00Z"
    assert scored(desk, name, as_of="2026-02-01T00:00:00Z")["as_of"] == "2026-02-01T00:00:00Z"


def test_a_customer_the_nightly_run_did_not_know_is_scored_once_orders_came(desk: Desk) -> None:
    assert "error" in scored(desk, "brand-new")
    sent(desk, orders=[{**ORDER, "customer_id": "brand-new"}])
    assert scored(desk, "brand-new")["source"] == "received"


def test_an_opt_out_received_today_holds_today(desk: Desk, home: Path) -> None:
    plans = pd.read_parquet(home / "data/plan.parquet")
    name = str(plans.loc[plans["action"].notna(), "customer_id"].iloc[0])
    sent(desk, engagement=[{**SESSION, "customer_id": name, "kind": "unsubscribe"}])
    request = PlanRequest.model_validate({"customers": [{"customer_id": name}]})
    decision = orjson.loads(orjson.dumps(plan(desk, request)))["decisions"][0]
    assert (decision["action"], decision["gate"]) == (None, "suppressed")


def test_an_inbox_that_breaks_down_keeps_no_row_and_leaves_last_nights_score(desk: Desk, home: Path) -> None:
    for file in (home / "data").glob("inbox.db*"):
        os.truncate(file, 0)
        file.write_bytes(b"no database at all" * 500)
    with pytest.raises(ServingError):
        desk.inbox.mark()
    with pytest.raises(Problem, match="None of the rows was kept"):
        sent(desk, engagement=[SESSION])
    assert scored(desk, str(nightly(home).index[0]))["source"] == "nightly"
