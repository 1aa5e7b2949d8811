"""Stage `plan` on a small run of the demo shop."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.decided import CLEAN, DECISIONS_FILE
from pipeline import paths
from pipeline.files import read_table, write_table
from pipeline.params import Params, load_params
from pipeline.plan import SCHEMA, plan
from pipeline.plan_inputs import microseconds_of, read_shop
from serving.budgets import BUDGET
from serving.gates import GATES
from serving.store import Store
from tests.pipeline.paying_shop import Shop, ledger
from tests.serving.shop import write_run

CONTRACT = [
    "decision_id", "customer_id", "as_of", "arm", "action", "intent", "channel", "send_after", "expires_at",
    "expected_uplift", "expected_value", "gate", "policy_version",
]  # fmt: skip
OUTPUTS = (paths.PLAN, paths.PLAN_COUNTS, paths.EFFECT, paths.SERVING_STORE)
Change = Callable[..., Params]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("plan")
    write_run(home, trees=False)
    return home


@pytest.fixture
def params(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A copy of the run to plan again in."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return load_params()


def changed(params: Params, **policy: object) -> Params:
    return params.model_copy(update={"plan": params.plan.model_copy(update=policy)})


def planned(params: Params) -> pd.DataFrame:
    plan(params)
    return read_table(paths.PLAN)


def counts() -> dict[str, object]:
    return json.loads(paths.PLAN_COUNTS.read_text())  # type: ignore[no-any-return]


def test_the_plan_has_the_columns_of_the_contract_and_a_row_per_customer(params: Params) -> None:
    found = planned(params)
    assert list(found.columns) == [*CONTRACT, "propensity"]
    assert found["customer_id"].tolist() == read_table(paths.SCORES)["customer_id"].tolist()
    assert found["decision_id"].is_unique
    assert pq.read_schema(paths.PLAN).equals(SCHEMA)


def test_everyone_has_an_action_or_the_gate_that_said_no(params: Params) -> None:
    found = planned(params)
    assert (found["action"].isna() != found["gate"].isna()).all()
    assert set(found["gate"].dropna()) <= {*GATES, BUDGET}
    acting = found[found["action"].notna()]
    for column in ("intent", "channel", "send_after", "expires_at", "propensity"):
        assert acting[column].notna().all()
        assert found.loc[found["action"].isna(), column].isna().all()
    assert (acting["send_after"] >= acting["as_of"]).all()
    assert (acting["send_after"] < acting["expires_at"]).all()


def test_nobody_in_control_suppressed_or_without_consent_is_contacted(params: Params) -> None:
    found = planned(params)
    contacted = set(found.loc[found["action"].notna(), "customer_id"])
    engagement = read_table(paths.CLEAN / "engagement.parquet")
    gone = set(engagement.loc[engagement["kind"].isin(["unsubscribe", "spam_complaint"]), "customer_id"])
    people = read_table(paths.CLEAN / "customers.parquet")
    unwilling = set(people.loc[~people["consent_email"].fillna(False).astype(bool), "customer_id"])
    assert contacted
    assert not contacted & gone
    assert not contacted & unwilling
    assert (found.loc[found["action"].notna(), "arm"] == "treatment").all()


def test_the_counts_are_those_of_the_table(params: Params) -> None:
    found = planned(params)
    told = counts()
    assert told["customers"] == len(found)
    assert told["contacted"] == int(found["action"].notna().sum())
    assert told["control"] == int((found["arm"] == "control").sum())
    assert told["by_gate"] == found["gate"].value_counts().to_dict()
    assert told["by_action"] == found["action"].value_counts().to_dict()


def test_a_measured_uplift_is_planned_by_and_given_to_the_endpoint(params: Params) -> None:
    plan(params)
    assert json.loads(paths.EFFECT.read_text())["state"] == "nothing sent yet"
    assert counts()["learning"]
    names = read_table(paths.SCORES)["customer_id"]
    as_of = read_table(paths.SCORES)["as_of"].iloc[0] - pd.Timedelta(days=60)
    rows = ledger(Shop(people=len(names), control_share=0.5)).assign(customer_id=names, as_of=as_of)
    rows["delivered_at"] = as_of + pd.Timedelta(hours=3)
    table = pa.Table.from_pandas(rows[CLEAN.names], schema=CLEAN, preserve_index=False)
    write_table(paths.CLEAN / DECISIONS_FILE, table)
    easy = {"min_people_per_arm": 10, "matters_share": 1.0}
    plan(params.model_copy(update={"effect": params.effect.model_copy(update=easy)}))
    store, actions = Store.open(paths.SERVING_STORE), list(params.plan.actions)
    assert not counts()["learning"]
    assert store.about["uplift"]["actions"]["how_to_content"]["state"] == "measured"  # type: ignore[index]
    told = [json.loads(cell)["uplift"] for cell in store.cells("facts", names.tolist()).values()]
    assert {row[actions.index("how_to_content")] is None for row in told} == {False}
    assert {row[actions.index("follow_up")] is None for row in told} == {True}


def test_equal_input_gives_equal_bytes(params: Params) -> None:
    plan(params)
    before = [hashlib.sha256(path.read_bytes()).hexdigest() for path in OUTPUTS]
    for path in OUTPUTS:
        path.unlink()
    plan(params)
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in OUTPUTS] == before


def test_blocks_of_any_size_decide_the_same(params: Params) -> None:
    whole = planned(params)
    small = params.model_copy(update={"features": params.features.model_copy(update={"customers_per_block": 7})})
    pd.testing.assert_frame_equal(planned(small), whole)


def test_without_a_recorded_consent_nobody_is_contacted(params: Params) -> None:
    people = read_table(paths.CLEAN / "customers.parquet").assign(consent_email=None, consent_sms=None)
    write_table(paths.CLEAN / "customers.parquet", people)
    found = planned(params)
    assert found["action"].isna().all()
    assert set(found["gate"]) == {"suppressed", "no_consent"}
    assert planned(changed(params, assume_consent=True))["action"].notna().any()


def test_a_shop_without_a_customer_table_contacts_nobody(params: Params) -> None:
    write_table(paths.CLEAN / "customers.parquet", read_table(paths.CLEAN / "customers.parquet").head(0))
    assert planned(params)["action"].isna().all()


def test_a_shop_without_engagement_is_planned_too(params: Params) -> None:
    engagement = pq.read_table(paths.CLEAN / "engagement.parquet")
    write_table(paths.CLEAN / "engagement.parquet", engagement.slice(0, 0))
    found = planned(changed(params, max_data_age_days=30))
    assert found["action"].notna().any()
    assert not set(found["gate"].dropna()) & {"suppressed", "open_ticket", "open_return", "frequency_cap"}


def test_the_budget_holds(params: Params) -> None:
    everyone = planned(params)["action"].notna().sum()
    found = planned(changed(params, max_contacts=10))
    assert int(found["action"].notna().sum()) == 10
    assert int((found["gate"] == BUDGET).sum()) == everyone - 10
    assert len(Store.open(paths.SERVING_STORE).about["budget"]["lowest_lot"]) == 4  # type: ignore[index,call-overload]
    assert planned(changed(params, max_contacts=0))["action"].isna().all()


def test_scores_of_a_model_that_is_not_in_force_contact_nobody(params: Params) -> None:
    write_table(paths.SCORES, read_table(paths.SCORES).assign(model_version="m-refused"))
    assert planned(params)["action"].isna().all()
    assert "refused_model" in counts()["by_gate"]  # type: ignore[operator]


def test_stale_data_contact_nobody(params: Params) -> None:
    found = planned(changed(params, max_data_age_days=0))
    assert "stale_data" in set(found["gate"])
    assert found["action"].isna().all()


def test_complaints_above_the_limit_stop_everything(params: Params) -> None:
    engagement = read_table(paths.CLEAN / "engagement.parquet")
    recent = engagement[engagement["known_at"] > engagement["known_at"].max() - pd.Timedelta(days=20)].head(60)
    strangers = recent.assign(kind="spam_complaint", customer_id="someone who is not scored", subject=None)
    write_table(paths.CLEAN / "engagement.parquet", pd.concat([engagement, strangers]))
    found = planned(params)
    assert "complaint_breaker" in set(found["gate"])
    assert found["action"].isna().all()


def test_a_providers_report_of_a_delivery_is_no_second_message(params: Params) -> None:
    engagement = read_table(paths.CLEAN / "engagement.parquet")
    scores = read_table(paths.SCORES)
    as_of_us = int(microseconds_of(scores["as_of"]).max())
    sent = engagement[engagement["kind"] == "email_sent"].sort_values("known_at").tail(50)
    complaint = sent.head(1).assign(kind="spam_complaint", event_id="outcome:mailer:1")
    write_table(paths.CLEAN / "engagement.parquet", pd.concat([engagement, complaint]))
    before = read_shop(scores, as_of_us)
    reports = sent.assign(event_id=[f"outcome:mailer:{number}" for number in range(2, 52)])
    write_table(paths.CLEAN / "engagement.parquet", pd.concat([engagement, complaint, reports]))
    assert (before.complaint_share, before.complaints) != (0.0, 0)
    assert read_shop(scores, as_of_us) == before


def test_a_shop_without_revenue_is_planned_too(params: Params) -> None:
    current = read_table(paths.CURRENT)
    write_table(paths.CURRENT, current.drop(columns=[name for name in current.columns if "spend" in name]))
    write_table(paths.SCORES, read_table(paths.SCORES).assign(expected_value=np.nan, value_at_risk=np.nan))
    assert planned(params)["action"].notna().any()


def test_the_store_holds_every_scored_customer(params: Params) -> None:
    found = planned(params)
    store = Store.open(paths.SERVING_STORE)
    assert len(store.cells("facts", found["customer_id"].tolist())) == len(found)
    assert "demo" not in json.dumps(dict(store.about))
