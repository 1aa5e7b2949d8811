"""`python -m pipeline.promote --rollback`: the model before is in force again, and the other one stays out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import ModelError, TrackingError
from pipeline.params import Params
from pipeline.promote import promote, rollback
from pipeline.tracking import registry
from pipeline.tracking.store import open_store
from tests.pipeline.promoted import FAIR, GOOD, WORSE, alias, champion, failed, run
from tests.pipeline.tracking_project import ROOT


def test_a_rollback_puts_the_model_before_in_force_and_keeps_the_other_out(shop: Params) -> None:
    worse = run(shop, WORSE)
    good = run(shop, GOOD)
    line = rollback(shop)
    assert line == f"{worse} is in force again, {good} is withdrawn; run `dvc repro` to score with it"
    assert (alias(shop), champion(), Path("reports/in_force.json").exists()) == (worse, worse, False)
    promote(shop)
    assert (alias(shop), champion()) == (worse, worse)
    assert failed() == ["not_withdrawn"]


def test_the_one_command_of_the_documentation_rolls_back(shop: Params) -> None:
    worse = run(shop, WORSE)
    good = run(shop, GOOD)
    page = (ROOT / "docs/rollback.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\$ python (-m pipeline\.promote .*)$", page, flags=re.MULTILINE)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command.split()], env=environment, capture_output=True, text=True, check=True
    )
    assert f"{worse} is in force again, {good} is withdrawn" in done.stdout
    assert (alias(shop), champion(), Path("reports/in_force.json").exists()) == (worse, worse, False)


def test_a_second_rollback_goes_one_further_back(shop: Params) -> None:
    first, second = run(shop, WORSE), run(shop, FAIR)
    run(shop, GOOD)
    rollback(shop)
    assert alias(shop) == second
    rollback(shop)
    assert (alias(shop), champion()) == (first, first)


def test_a_model_that_came_back_is_no_way_back_to_the_one_withdrawn(shop: Params) -> None:
    first, twin = run(shop, GOOD), run(shop, 1.001)
    assert run(shop, GOOD) == first
    rollback(shop)
    assert (alias(shop), champion()) == (twin, twin)
    with pytest.raises(ModelError, match=r"rekindle-churn has no earlier version"):  # but the first, just withdrawn
        rollback(shop)
    assert (alias(shop), champion()) == (twin, twin)


def test_a_rollback_that_fails_changes_nothing_and_one_that_is_killed_is_finished_by_the_gate(
    shop: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse, good = run(shop, WORSE), run(shop, GOOD)
    Path("mlartifacts").rename("gone")
    with pytest.raises(TrackingError, match=r"does not hold what an earlier stage left there"):
        rollback(shop)
    assert (alias(shop), champion(), Path("reports/in_force.json").exists()) == (good, good, True)
    assert not registry.is_withdrawn(open_store(), shop.promote.model_name, good)
    Path("gone").rename("mlartifacts")

    def die(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.promote._copy", die)
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            rollback(shop)
    assert (champion(), Path("reports/in_force.json").exists()) == (good, False)
    promote(shop)
    assert (alias(shop), champion(), failed()) == (worse, worse, ["not_withdrawn"])


def test_a_new_model_may_take_over_after_a_rollback(shop: Params) -> None:
    run(shop, WORSE)
    run(shop, FAIR)
    rollback(shop)
    fresh = run(shop, GOOD)
    assert (alias(shop), champion()) == (fresh, fresh)


def test_a_rollback_without_an_earlier_version_says_so(shop: Params) -> None:
    run(shop, GOOD)
    with pytest.raises(ModelError, match=r"rekindle-churn has no earlier version"):
        rollback(shop)
