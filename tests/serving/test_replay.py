"""Decisions made again from what was kept of them: the same bytes, and anything changed is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
import sqlalchemy as sa

from serving.budgets import budget_of, within_budget
from serving.decisions import decide
from serving.desk import Desk
from serving.inbox.database import INBOX_URL
from serving.outbox.tables import DECISIONS, RUNS
from serving.replay import Ground, contents, is_as_decided, replayed
from serving.settings import HOME, Places
from serving.show import shown
from serving.trigger import trigger
from tests.serving.people import ACTION, KEY, people, policy, shop
from tests.serving.shop import ROOT, copy_of
from tests.serving.triggering import call

ACTIONS = {
    "talk": {**ACTION, "control_share": 0.2},
    "pitch": {**ACTION, "intent": "ask", "channels": ["sms", "email"], "discount_share": 0.1},
    "gift": {**ACTION, "offer_cost_money": 3.0, "days_since_last_order": [50, 300]},
}
RULES = policy(
    actions=ACTIONS, control_share=0.1, explore_share=0.2, max_contacts=120, budgets={"money": 400.0}, max_ask_share=1.0
)


def decided(size: int, learning: bool) -> tuple[list[str], Ground]:
    """Texts of a mixed crowd's decisions."""
    rng = np.random.default_rng(5)
    rows = (
        {
            "customer_id": f"c{n}",
            "margin_money": None if n % 17 == 0 else float(rng.gamma(2.0, 30.0)),
            "order_value_money": None if n % 19 == 0 else float(rng.gamma(2.0, 30.0)),
            "churn_probability": float(rng.uniform()),
            "days_since_last_order": float(rng.uniform(0, 400)),
            "consent": [rng.choice([1.0, 0.0, None]) for _ in range(3)],
            "timezone": str(rng.choice(["", "UTC", "Asia/Tokyo", "Nowhere/Land"])),
            "suppressed": bool(rng.uniform() < 0.05),
            "touches": float(rng.integers(0, 9)),
            "days_since_action": [None, float(rng.uniform(0, 90)), None],
        }
        for n in range(size)
    )
    facts, state = people(*rows), shop(paused=("push",))
    proposed = decide(facts, RULES, state, KEY, None if learning else rng.uniform(0, 0.4, (size, 3)))
    budget = budget_of(proposed)
    ground = Ground(RULES, state, budget, "m-1")
    return list(contents(within_budget(proposed, budget), ground, KEY)), ground


@pytest.mark.parametrize("learning", [True, False])
def test_every_decision_made_again_has_the_same_bytes(learning: bool) -> None:
    texts, ground = decided(400, learning)
    again = Ground.of(ground.policy_json, ground.shop_json, ground.model_version)
    assert [replayed(text, again, KEY) for text in texts] == texts
    outcomes = {json.loads(text)["gate"] for text in texts}
    assert {None, "suppressed", "no_consent", "control", "budget"} <= outcomes


@pytest.mark.parametrize(
    "change",
    [
        {"facts": {"churn_probability": 0.51}},
        {"facts": {"suppressed": False}},
        {"facts": {"mean_gap_days": 12.0}},
        {"propensity": 0.123},
        {"gate": "low_value"},
        {"lot": 0.1},
        {"facts": {"consent": "yes"}},
    ],
)
def test_a_changed_input_or_outcome_is_found(change: dict[str, object]) -> None:
    texts, ground = decided(60, learning=True)
    for text in texts:
        content = orjson.loads(text)
        for name, value in change.items():
            inside = {**content[name], **value} if isinstance(value, dict) else value
            assert inside != content[name] or name == "facts"
            content[name] = inside
        changed = orjson.dumps(content).decode()
        assert changed == text or not is_as_decided(changed, ground, KEY)
    assert any(orjson.loads(text)["facts"]["churn_probability"] != 0.51 for text in texts)


def test_a_changed_policy_or_shop_is_found_even_where_it_decides_nothing() -> None:
    texts, ground = decided(30, learning=True)
    later = replace(ground, shop=replace(ground.shop, data_age_days=ground.shop.data_age_days + 0.01))
    dearer = replace(ground, policy=RULES.model_copy(update={"complaint_cost_money": 21.0}))
    for text in texts:
        assert is_as_decided(text, ground, KEY)
        assert not is_as_decided(text, later, KEY)
        assert not is_as_decided(text, dearer, KEY)
        assert not is_as_decided(text, ground, b"another key")


@pytest.fixture(scope="module")
def desk(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk after one run of decisions."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(INBOX_URL, raising=False)
        desk = Desk.open(Places(copy_of(run, tmp_path_factory.mktemp("replay") / "run")))
    trigger(desk, call())
    return desk


def test_every_committed_decision_is_shown_and_made_again(desk: Desk) -> None:
    with desk.inbox.engine.connect() as connection:
        names = [str(name) for (name,) in connection.execute(sa.select(DECISIONS.c.decision_id))]
        found = [shown(connection, name, desk.key) for name in names]
    assert len(found) > 200
    assert all(one is not None and one["replay"]["same_bytes"] for one in found)  # type: ignore[index]


def test_the_shown_gates_lead_to_the_shown_outcome(desk: Desk) -> None:
    with desk.inbox.engine.connect() as connection:
        for (name,) in connection.execute(sa.select(DECISIONS.c.decision_id)):
            one = orjson.loads(orjson.dumps(shown(connection, str(name), desk.key)))
            first_no = next((gate["gate"] for gate in one["gates"] if not gate["left"]), None)
            decision = one["decision"]
            assert decision["gate"] in (first_no, "budget")
            assert decision["action"] is None or decision["action"] in one["gates"][-1]["left"]
            assert (one["message"] is None) == (decision["action"] is None)
            assert set(one["value_terms"]) == set(one["gates"][-1]["left"])


def test_the_command_shows_a_decision_and_knows_when_its_inputs_were_changed(desk: Desk) -> None:
    def command(name: str) -> subprocess.CompletedProcess[str]:
        known = {**os.environ, HOME: str(desk.places.home), "PYTHONPATH": str(ROOT)}
        line = [sys.executable, "-m", "serving.decisions", "show", name]
        return subprocess.run(line, capture_output=True, text=True, env=known, check=False)

    with desk.inbox.engine.connect() as connection:
        name = str(connection.execute(sa.select(DECISIONS.c.decision_id)).scalars().first())
    before = orjson.loads(command(name).stdout)
    assert before["replay"]["same_bytes"] is True
    assert {"inputs", "gates", "value_terms", "propensity", "versions"} <= set(before)
    with desk.inbox.engine.begin() as connection:
        text = str(connection.execute(sa.select(RUNS.c.shop_json)).scalar_one())
        connection.execute(
            sa.update(RUNS).values(shop_json=text.replace('"complaint_share":0.0', '"complaint_share":0.1'))
        )
    assert orjson.loads(command(name).stdout)["replay"]["same_bytes"] is False
    missing = command("d-none")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "there is no decision 'd-none'" in missing.stderr
