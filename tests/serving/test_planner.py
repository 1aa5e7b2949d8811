"""The dry run: what only the nightly run knows still counts."""

from __future__ import annotations

from pathlib import Path

import orjson
import pandas as pd
import pytest

from serving.desk import Desk
from serving.planner import plan, shop_of
from serving.requests import PlanRequest
from serving.settings import Places
from tests.serving.people import AS_OF_US, DAY_US
from tests.serving.shop import copy_of


@pytest.fixture(scope="module")
def desk(run: Path) -> Desk:
    return Desk.open(Places(run))


def gate(desk: Desk, **customer: object) -> object:
    orders = [{"order_id": "1", "ordered_at": "2025-12-12T00:00:00Z", "revenue": 30.0}]
    request = {"customers": [{"customer_id": "new", "consent_email": True, "orders": orders, **customer}]}
    (decision,) = plan(desk, PlanRequest.model_validate(request, strict=False))["decisions"]  # type: ignore[misc]
    return decision["gate"]


def test_an_opt_out_that_the_request_leaves_out_still_stands(desk: Desk, run: Path) -> None:
    decided = pd.read_parquet(run / "data/plan.parquet")
    someone = decided.loc[decided["gate"] == "suppressed", "customer_id"].iloc[0]
    assert gate(desk, customer_id=someone) == "suppressed"


def test_a_recorded_consent_holds_when_the_request_says_nothing(desk: Desk, run: Path) -> None:
    decided = pd.read_parquet(run / "data/plan.parquet")
    willing, unwilling = (
        decided.loc[chosen, "customer_id"].iloc[0]
        for chosen in (decided["action"].notna(), decided["gate"] == "no_consent")
    )
    assert gate(desk, customer_id=willing, consent_email=None) != "no_consent"
    assert gate(desk, customer_id=unwilling, consent_email=None) == "no_consent"


def test_an_unsubscribe_in_the_request_suppresses(desk: Desk) -> None:
    event = {"event_id": "1", "occurred_at": "2025-12-20T00:00:00Z", "kind": "unsubscribe"}
    assert gate(desk, engagement=[event]) == "suppressed"


def test_the_shops_data_get_older_with_the_instant_asked_about() -> None:
    about = {"as_of_us": AS_OF_US, "data_age_days": 0.5, "complaint_share": 0.0, "model_refused": False}
    assert shop_of(about, AS_OF_US + 8 * DAY_US).data_age_days == 8.5
    assert shop_of({**about, "data_age_days": None}, AS_OF_US).data_age_days == float("inf")


def test_a_plan_long_after_the_nightly_run_contacts_nobody(desk: Desk) -> None:
    orders = [{"order_id": "1", "ordered_at": "2026-02-01T00:00:00Z", "revenue": 30.0}]
    body = {
        "as_of": "2026-02-20T00:00:00Z",
        "customers": [{"customer_id": "new", "consent_email": True, "orders": orders}],
    }
    (decision,) = plan(desk, PlanRequest.model_validate(body, strict=False))["decisions"]  # type: ignore[misc]
    assert decision["gate"] in ("control", "stale_data")


def test_everybody_by_id_is_decided_on_as_last_night(desk: Desk, run: Path) -> None:
    nightly = pd.read_parquet(run / "data/plan.parquet").set_index("customer_id")
    request = PlanRequest.model_validate({"customers": [{"customer_id": name} for name in nightly.index]})
    found = pd.DataFrame(orjson.loads(orjson.dumps(plan(desk, request)["decisions"]))).set_index("customer_id")
    for column in ("decision_id", "arm", "action", "channel", "gate", "propensity"):
        pd.testing.assert_series_equal(found[column], nightly[column], check_dtype=False, check_index_type=False)


def test_a_ledger_that_cannot_be_read_keeps_everybody_out(run: Path, tmp_path: Path) -> None:
    broken = Desk.open(Places(copy_of(run, tmp_path / "run")))
    with broken.inbox.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE messages")
    request = {"customers": [{"customer_id": name} for name in broken.store.customer_ids()]}
    decisions = orjson.loads(orjson.dumps(plan(broken, PlanRequest.model_validate(request))["decisions"]))
    assert {decision["gate"] for decision in decisions} == {"suppressed"}
