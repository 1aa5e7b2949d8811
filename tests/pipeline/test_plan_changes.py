"""What the dry run of the plan tells: keys, counts and customers, against the plan in force."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pipeline import paths
from pipeline.files import read_table
from pipeline.plan_changes import InForce, changes
from tests.serving.people import policy
from tests.serving.shop import ROOT, write_run

BEFORE = InForce(
    policy().model_dump(mode="json"),
    pd.Series({"c1": "action follow_up", "c2": "gate control", "c3": "action follow_up", "c4": "gate no_consent"}),
)
ROWS: list[dict[str, object]] = [
    {"customer_id": "c1", "action": "reason_survey", "gate": None},
    {"customer_id": "c2", "action": None, "gate": "control"},
    {"customer_id": "c3", "action": None, "gate": "cooldown"},
    {"customer_id": "c5", "action": "follow_up", "gate": None},
]


def test_each_key_of_the_policy_that_differs_is_told() -> None:
    lines = list(changes(ROWS, policy({"cooldown_days": 90}, max_contacts=5), BEFORE))
    assert lines[0] == "policy test-1, in force test-1: 2 keys differ"
    assert "raise plan.policy_version" in lines[1]
    assert set(lines[2:4]) == {"  plan.max_contacts: None → 5", "  plan.actions.follow_up.cooldown_days: 60 → 90"}


def test_counts_and_customers_that_move_are_told() -> None:
    lines = [" ".join(line.split()) for line in changes(ROWS, policy(), BEFORE)]
    assert "action follow_up 1 2 -1" in lines
    assert "action reason_survey 1 0 +1" in lines
    assert "gate control 1 1 +0" in lines
    assert "4 of 5 customers get another outcome, 3 of them another action" in lines
    assert "action follow_up → action reason_survey: 1 (c1)" in lines
    assert "gate no_consent → not scored: 1 (c4)" in lines


def test_without_a_plan_in_force_only_the_counts_are_told() -> None:
    lines = list(changes(ROWS, policy(), None))
    assert lines[0] == "policy test-1; no plan is in force yet"
    assert not any("another outcome" in line for line in lines)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("dry_run")
    write_run(folder, trees=False)
    yield folder
    shutil.rmtree(folder)


def dry_run(home: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "pipeline.plan", "--dry-run"]
    return subprocess.run(line, cwd=home, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)


def test_the_dry_run_of_the_same_policy_changes_nothing_and_writes_nothing(home: Path) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    told = dry_run(home).stdout
    assert "0 keys differ" in told
    assert " 0 of " in told
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_the_dry_run_of_another_policy_tells_who_would_lose_an_action(home: Path) -> None:
    contacted = int(read_table(home / paths.PLAN)["action"].notna().sum())
    text = (home / "params.yaml").read_text()
    tree = yaml.safe_load(text)
    tree["plan"].update(max_contacts=0, policy_version="3")
    (home / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    told = dry_run(home).stdout
    assert "plan.max_contacts: None → 0" in told
    assert f"{contacted:,} of them another action" in told
    assert "plan: dry run, nothing written: 0 of" in told
    (home / "params.yaml").write_text(text)


def test_a_policy_with_a_fault_is_told_without_a_traceback(home: Path) -> None:
    text = (home / "params.yaml").read_text()
    tree = yaml.safe_load(text)
    tree["plan"]["actions"]["follow_up"]["costs_money"] = tree["plan"]["actions"]["follow_up"].pop("cost_money")
    (home / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    done = dry_run(home)
    assert done.returncode == 1
    assert "costs_money: unknown key; did you mean cost_money?" in done.stderr
    assert "cost_money: missing; it must be set" in done.stderr
    (home / "params.yaml").write_text(text)
