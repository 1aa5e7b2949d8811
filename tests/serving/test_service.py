"""The endpoint as a real process, spoken to over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import orjson
import pandas as pd
import pytest

from serving.shapes import ExplainAnswer, PlanAnswer, Profile, ScoreAnswer
from tests.serving.asking import asked, by_id, problem
from tests.serving.events import requests_by_events


@pytest.fixture(scope="module")
def scores(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "data/scores.parquet")


@pytest.fixture(scope="module")
def decided(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "data/plan.parquet")


def by_features(run: Path, names: list[str]) -> list[dict[str, Any]]:
    columns = json.loads((run / "data/champion/model.json").read_bytes())["feature_columns"]
    table = pd.read_parquet(run / "data/features/current.parquet").set_index("customer_id").loc[names, columns]
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{"customer_id": name, "features": row} for name, row in zip(names, rows, strict=True)]


def test_by_id_is_exactly_the_nightly_score(client: httpx.Client, scores: pd.DataFrame) -> None:
    answer = asked(client, "score", by_id(*scores["customer_id"]))
    assert answer.status_code == 200
    found = ScoreAnswer.model_validate_json(answer.content)
    assert found.model_version == scores["model_version"].iloc[0]
    assert [entry.churn_probability for entry in found.customers] == scores["churn_probability"].tolist()  # type: ignore[union-attr]


def test_by_events_equals_the_nightly_score(client: httpx.Client, scores: pd.DataFrame, run: Path) -> None:
    names = scores["customer_id"].tolist()[:60]
    answer = asked(client, "score", requests_by_events(run, names))
    found = [entry["churn_probability"] for entry in answer.json()["customers"]]
    expected = scores["churn_probability"].tolist()[:60]
    assert max(abs(one - other) for one, other in zip(found, expected, strict=True)) < 1e-6
    assert len(set(found)) > 30


def test_by_features_equals_the_nightly_score(client: httpx.Client, scores: pd.DataFrame, run: Path) -> None:
    names = scores["customer_id"].tolist()[:60]
    rows = by_features(run, names)
    answer = ScoreAnswer.model_validate_json(asked(client, "score", rows).content)
    found = [entry.churn_probability for entry in answer.customers]  # type: ignore[union-attr]
    assert found == pytest.approx(scores["churn_probability"].tolist()[:60], abs=1e-6)
    assert {entry.source for entry in answer.customers} == {"features"}  # type: ignore[union-attr]


def test_features_that_are_not_those_of_the_model_are_named_and_fail_nobody_else(
    client: httpx.Client, scores: pd.DataFrame, run: Path
) -> None:
    right, lacking, foreign = by_features(run, scores["customer_id"].tolist()[:3])
    lacking["features"] = {name: value for name, value in lacking["features"].items() if name != "orders_ever"}
    foreign["features"] |= {"shoe_size": 42.0}
    found = asked(client, "score", [right, lacking, foreign]).json()["customers"]
    assert "error" not in found[0]
    fields = [entry["error"]["field"] for entry in found[1:]]
    assert fields == ["customers[1].features.orders_ever", "customers[2].features.shoe_size"]


def test_features_beside_events_and_features_for_a_plan_are_refused(client: httpx.Client) -> None:
    both = {"customer_id": "a", "features": {}, "orders": []}
    assert problem(asked(client, "score", [both]), 422).field == "customers[0].features"
    assert problem(asked(client, "plan", [{"customer_id": "a", "features": {}}]), 422).field == "customers[0].features"


def test_one_customer_by_events_equals_the_batch(client: httpx.Client, scores: pd.DataFrame, run: Path) -> None:
    names = scores["customer_id"].tolist()[:5]
    entries = requests_by_events(run, names)
    batch = asked(client, "score", entries).json()["customers"]
    alone = [asked(client, "score", [entry]).json()["customers"][0] for entry in entries]
    assert alone == batch


def test_ids_events_and_strangers_mix_in_the_order_asked(client: httpx.Client, scores: pd.DataFrame, run: Path) -> None:
    first, second = scores["customer_id"].tolist()[:2]
    mixed = [*requests_by_events(run, [second]), *by_id("nobody", first)]
    found = ScoreAnswer.model_validate_json(asked(client, "score", mixed).content)
    assert [entry.customer_id for entry in found.customers] == [second, "nobody", first]
    missing = found.customers[1].error  # type: ignore[union-attr]
    assert missing.status == 404
    assert missing.field == "customers[1].customer_id"


def test_a_later_instant_raises_the_risk_of_a_silent_customer(client: httpx.Client) -> None:
    customer: dict[str, object] = {
        "customer_id": "new",
        "orders": [{"order_id": "1", "ordered_at": "2025-12-01T00:00:00Z", "revenue": 30.0}],
    }
    early, late = (
        asked(client, "score", [customer], as_of=day).json()["customers"][0]["churn_probability"]
        for day in ("2025-12-10T00:00:00Z", "2026-06-01T00:00:00Z")
    )
    assert late > early


def test_explain_by_id_gives_the_nightly_reasons(client: httpx.Client, scores: pd.DataFrame) -> None:
    names = scores["customer_id"].tolist()[:20]
    found = ExplainAnswer.model_validate_json(asked(client, "explain", by_id(*names)).content)
    expected = [[reason["feature"] for reason in reasons] for reasons in scores["reasons"][:20]]
    assert [[reason.feature for reason in entry.reasons] for entry in found.customers] == expected  # type: ignore[union-attr]
    words = [list(said) for said in scores["reasons_in_words"][:20]]
    assert [[reason.in_words for reason in entry.reasons] for entry in found.customers] == words  # type: ignore[union-attr]


def test_explain_by_events_tells_whose_reasons_it_gives(client: httpx.Client, scores: pd.DataFrame, run: Path) -> None:
    (entry,) = requests_by_events(run, scores["customer_id"].tolist()[:1])
    known, unknown = asked(
        client, "explain", [entry, {**entry, "customer_id": "stranger"} | _without_ids(entry)]
    ).json()["customers"]
    assert known["source"] == "nightly"
    assert unknown["error"]["type"] == "/problems/no-reasons"


def _without_ids(entry: dict[str, object]) -> dict[str, object]:
    rows = {name: [dict(row) for row in entry[name]] for name in ("orders", "engagement")}  # type: ignore[attr-defined]
    for row in rows["orders"] + rows["engagement"]:
        row.pop("customer_id")
    return dict(rows)


def test_the_profile_holds_score_reasons_and_decision(client: httpx.Client, decided: pd.DataFrame) -> None:
    row = decided.iloc[0]
    found = Profile.model_validate_json(client.get(f"/v1/customers/{row['customer_id']}").content)
    assert found.decision.decision_id == row["decision_id"]
    assert len(found.reasons) == 3
    assert all(reason.in_words for reason in found.reasons)
    assert problem(client.get("/v1/customers/nobody"), 404).field == "customer_id"


def test_the_dry_run_decides_as_the_nightly_plan(client: httpx.Client, decided: pd.DataFrame) -> None:
    found = PlanAnswer.model_validate_json(asked(client, "plan", by_id(*decided["customer_id"])).content)
    columns = ["decision_id", "arm", "action", "gate"]
    expected = [[None if pd.isna(cell) else cell for cell in row] for row in decided[columns].to_numpy()]
    assert [[getattr(entry, name) for name in columns] for entry in found.decisions] == expected


def test_a_plan_by_events_passes_the_same_gates(client: httpx.Client, decided: pd.DataFrame, run: Path) -> None:
    chosen = pd.concat([decided.groupby("gate").head(2), decided[decided["gate"].isna()].head(5)])
    entries = requests_by_events(run, chosen["customer_id"].tolist())
    found = asked(client, "plan", entries).json()["decisions"]
    expected = [[None if pd.isna(cell) else cell for cell in row] for row in chosen[["action", "gate"]].to_numpy()]
    assert [[entry["action"], entry["gate"]] for entry in found] == expected


def test_a_stranger_without_consent_is_left_alone(client: httpx.Client) -> None:
    person: dict[str, object] = {
        "customer_id": "new",
        "orders": [{"order_id": "1", "ordered_at": "2025-12-15T00:00:00Z", "revenue": 30.0}],
    }
    gates = [
        asked(client, "plan", [{**person, **wish}]).json()["decisions"][0]["gate"]
        for wish in ({}, {"consent_email": False}, {"consent_email": True})
    ]
    assert gates[:2] == ["no_consent", "no_consent"]
    assert gates[2] != "no_consent"


def test_pages_that_do_not_exist_or_take_another_method_say_so(client: httpx.Client) -> None:
    problem(client.get("/v1/nothing"), 404)
    problem(client.get("/v1/score"), 405)
    problem(client.post("/v1/customers/a"), 405)


def test_another_host_name_is_refused_without_a_key(client: httpx.Client) -> None:
    problem(client.get("/v1/customers/a", headers={"host": "rebound.example"}), 403)


def test_probes_answer(client: httpx.Client) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_the_description_covers_every_route_and_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    found = client.get("/docs.json").json()
    own = {"/v1/score", "/v1/explain", "/v1/plan", "/v1/events", "/v1/customers/{customer_id}"}
    own |= {"/v1/trigger", "/v1/decisions/{decision_id}", "/v1/pause", "/v1/unsubscribe", "/v1/privacy/erase"}
    own |= {"/v1/webhooks/{provider}"}
    assert set(found["paths"]) == own | {"/livez", "/readyz", "/metrics"}
    assert found["components"]["schemas"]["Order"]["additionalProperties"] is False
    front = client.get("/").text
    assert "http" not in front.replace("http-equiv", "")


def test_the_examples_of_the_description_are_answered(client: httpx.Client) -> None:
    for page, about in client.get("/openapi.json").json()["paths"].items():
        if "{" in page:  # of a provider that nobody has set up here
            continue
        for example in (
            about.get("post", {})
            .get("requestBody", {})
            .get("content", {})
            .get("application/json", {})
            .get("examples", {})
            .values()
        ):
            sent = client.post(page, json=example["value"], headers={"Idempotency-Key": orjson.dumps(example).decode()})
            assert sent.status_code == 200, (page, sent.text)
