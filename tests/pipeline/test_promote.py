"""Stage `promote`: who is in force after which verdict, in the registry and in the files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from features.errors import ModelError, TrackingError
from models.scorer import Scorer
from pipeline.files import read_json, write_json, write_table
from pipeline.params import Params
from pipeline.promote import promote, rollback
from pipeline.tracking import registry, runs
from pipeline.tracking.store import Store, open_store
from tests.pipeline.tracking_project import (
    AS_OF,
    COLUMN,
    CUTOFF,
    ROOT,
    entered,
    put_model,
    store_uri,
    write_history,
)

GOOD, FAIR, WORSE, FLAT = 1.0, 0.7, 0.2, 0.0


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A finished project with a good model, an empty registry, and the working directory in it."""
    return loose(entered(tmp_path, monkeypatch))


def loose(params: Params, **limits: float) -> Params:
    """Params whose calibration limit no model here breaks, unless said otherwise."""
    wide = {"max_calibration_error": 0.9, "min_skill": -9.0, "min_skill_over_baseline": -9.0, "max_segment_gap": 0.9}
    return params.model_copy(update={"promote": params.promote.model_copy(update=wide | limits)})


def run(params: Params, slope: float | None = None, **model: object) -> str:
    """Track and promote a model; returns its version."""
    version = put_model(Path(), params, slope, **model) if slope is not None else ""  # type: ignore[arg-type]
    log()
    promote(params)
    return version


def log() -> None:
    """What the gate needs of `track`: a run that holds the model."""
    store = open_store()
    with runs.recorded_run(store, "run", {}) as run_id:
        runs.log_model(store, run_id, Path("data/model"), [COLUMN])
    write_json(Path("reports/mlflow_run.json"), {"run_id": run_id})


def alias(params: Params) -> str | None:
    found = registry.in_force(open_store(), params.promote.model_name)
    return found.model_version if found else None


def gate() -> dict[str, object]:
    verdict: dict[str, object] = json.loads(Path("reports/gate.json").read_text())
    return verdict


def champion() -> str:
    return Scorer.load(Path("data/champion")).model_version


def outs() -> dict[str, bytes]:
    files = [Path("reports/gate.json"), Path("reports/in_force.json"), *sorted(Path("data/champion").rglob("*"))]
    return {str(file): file.read_bytes() for file in files if file.is_file()}


def text(name: str) -> str:
    return next(str(check["text"]) for check in gate()["checks"] if check["name"] == name)  # type: ignore[attr-defined]


def failed() -> list[str]:
    return [check["name"] for check in gate()["checks"] if not check["ok"]]  # type: ignore[attr-defined]


def test_the_first_model_is_put_in_force_by_the_limits_alone(shop: Params) -> None:
    version = run(shop, GOOD)
    assert (alias(shop), champion(), gate()["promoted"]) == (version, version, True)
    assert gate()["in_force"] is None
    names = {check["name"] for check in gate()["checks"]}  # type: ignore[attr-defined]
    by_limits = {"skill", "calibration_error", "skill_over_baseline", "worst_segment"}
    assert names == by_limits | {"leakage", "leakage_proof", "features_match", "not_withdrawn"}


def test_the_champion_folder_holds_the_final_model_only(shop: Params) -> None:
    run(shop, GOOD)
    assert sorted(path.name for path in Path("data/champion").iterdir()) == ["model.json"]


def test_a_worse_model_is_refused_and_the_one_in_force_stays(shop: Params) -> None:
    good = run(shop, GOOD)
    worse = run(shop, WORSE)
    assert (alias(shop), champion()) == (good, good)
    assert (gate()["promoted"], gate()["challenger"], gate()["in_force"]) == (False, worse, good)
    assert failed() == ["log_loss_excess", "worst_segment_excess"]


def test_a_better_model_takes_over(shop: Params) -> None:
    worse = run(shop, WORSE)
    good = run(shop, GOOD)
    assert (alias(shop), champion()) == (good, good)
    assert gate()["in_force"] == worse


def test_a_model_that_differs_by_noise_only_is_let_in(shop: Params) -> None:
    run(shop, GOOD)
    twin = run(shop, 1.001)
    assert (alias(shop), champion()) == (twin, twin)


def test_running_again_writes_the_same_bytes_and_registers_nothing(shop: Params) -> None:
    run(shop, WORSE)
    run(shop, GOOD)
    before = outs()
    run(shop)
    run(shop)
    assert outs() == before
    store = open_store()
    assert len(store.client.search_model_versions(f"name = '{shop.promote.model_name}'")) == 2


def test_a_refusal_repeated_writes_the_same_bytes(shop: Params) -> None:
    run(shop, GOOD)
    run(shop, WORSE)
    before = outs()
    run(shop)
    assert outs() == before


def test_no_output_names_a_run_or_a_registry_version(shop: Params) -> None:
    run(shop, GOOD)
    run_id = json.loads(Path("reports/mlflow_run.json").read_text())["run_id"]
    assert not [name for name, content in outs().items() if run_id.encode() in content]


def test_the_limits_are_judged_anew_when_they_change(shop: Params) -> None:
    run(shop, GOOD)
    promote(loose(shop, max_calibration_error=0.0))
    assert failed() == ["calibration_error"]


def test_a_limit_is_advice_while_no_other_model_can_answer(shop: Params) -> None:
    version = put_model(Path(), shop, GOOD)
    log()
    said = promote(loose(shop, min_skill_over_baseline=0.99))
    assert re.search(r"in force.*beware: skill minus that of the best baseline", said)
    assert (alias(shop), failed()) == (version, ["skill_over_baseline"])


def test_a_limit_binds_once_another_model_is_in_force(shop: Params) -> None:
    first = run(shop, WORSE)
    put_model(Path(), shop, GOOD)
    log()
    promote(loose(shop, min_skill_over_baseline=0.99))
    assert (alias(shop), gate()["promoted"], failed()) == (first, False, ["skill_over_baseline"])


def test_the_first_model_without_skill_stops_the_run_and_leaves_no_champion(shop: Params) -> None:
    put_model(Path(), shop, GOOD)
    log()
    with pytest.raises(
        ModelError, match=r"(?s)no other model in force can answer.*skill over the churn rate alone \+0"
    ):
        promote(loose(shop, min_skill=0.99))
    assert not Path("data/champion").exists()
    assert alias(shop) is None


@pytest.mark.parametrize(("skill", "auc"), [(0.2, 0.8), (0.0, 0.99)])
def test_a_suspected_leak_keeps_a_model_out(shop: Params, skill: float, auc: float) -> None:
    run(shop, WORSE)
    put_model(Path(), shop, GOOD)
    log()
    backtest = json.loads(Path("reports/backtest.json").read_text())
    backtest["leakage"]["shuffled_label"]["mean_skill"], backtest["leakage"]["highest_auc"] = skill, auc
    write_json(Path("reports/backtest.json"), backtest)
    promote(shop)
    assert failed() == ["leakage"]


def test_an_alarm_that_train_took_for_chance_is_none_at_the_gate(shop: Params) -> None:
    put_model(Path(), shop, GOOD)
    log()
    backtest = json.loads(Path("reports/backtest.json").read_text())
    backtest["leakage"]["shuffled_label"] |= {"mean_skill": 0.2, "holds": True}
    write_json(Path("reports/backtest.json"), backtest)
    promote(shop)
    assert failed() == []


@pytest.mark.parametrize(("proof", "told"), [({}, "was not run"), ({"passed": False, "attempts": [{}]}, "succeeded")])
def test_without_a_passed_leakage_proof_a_model_stays_out(shop: Params, proof: object, told: str) -> None:
    run(shop, WORSE)
    put_model(Path(), shop, GOOD)
    log()
    catalogue = Path("data/features/catalogue.json")
    write_json(catalogue, read_json(catalogue) | {"leakage_proof": proof})
    promote(shop)
    assert failed() == ["leakage_proof"]
    assert told in text("leakage_proof")


def test_a_model_that_reads_a_column_the_features_lack_stays_out(shop: Params) -> None:
    put_model(Path(), shop, GOOD)
    log()
    catalogue = Path("data/features/catalogue.json")
    write_json(catalogue, read_json(catalogue) | {"columns": [{"name": "orders_30d"}]})
    with pytest.raises(ModelError, match=r"reads 1 columns that the features lack \(days_since_last_order\)"):
        promote(shop)


def test_a_model_that_fails_one_group_of_customers_is_refused_though_it_is_better_on_the_whole(shop: Params) -> None:
    fair = run(shop, FLAT)
    put_model(Path(), shop, GOOD)
    predictions = pd.read_parquet("data/predictions.parquet")
    # Few and badly wrong: the customers with one order, whom the model in force had right.
    one_order = predictions["orders_ever"] == 1
    ours = predictions["churn_probability"].where(~one_order, 0.97 - predictions["churned"] * 0.94)
    predictions.assign(churn_probability=ours).to_parquet("data/predictions.parquet", index=False)
    log()
    promote(loose(shop, max_log_loss_excess=0.0))
    assert "worst_segment_excess" in failed()
    assert "worst group (one order)" in text("worst_segment_excess")
    assert (alias(shop), champion()) == (fair, fair)


def test_a_group_whose_churn_was_promised_wrong_binds_once_another_model_can_answer(shop: Params) -> None:
    first = run(shop, WORSE)
    put_model(Path(), shop, GOOD)
    predictions = pd.read_parquet("data/predictions.parquet")
    many = predictions["orders_ever"] >= 4
    churned = predictions["churned"].where(~many, 1).astype("int8")
    predictions.assign(churned=churned).to_parquet("data/predictions.parquet", index=False)
    log()
    promote(loose(shop, max_segment_gap=0.05, max_log_loss_excess=9.0))
    assert failed() == ["worst_segment"]
    assert "worst group (4+ orders): +0." in text("worst_segment")
    assert alias(shop) == first


def test_the_same_groups_within_chance_hold(shop: Params) -> None:
    run(shop, GOOD)
    promote(loose(shop, max_segment_gap=0.02))
    assert failed() == []


def test_test_rows_without_orders_are_not_judged_by_group(shop: Params) -> None:
    pd.read_parquet("data/predictions.parquet").drop(columns="orders_ever").to_parquet("data/predictions.parquet")
    log()
    promote(shop)
    assert "not judged" in text("worst_segment")


def test_while_held_a_better_model_is_judged_but_not_let_in(shop: Params) -> None:
    worse = run(shop, WORSE)
    good = put_model(Path(), shop, GOOD)
    log()
    held = shop.promote.model_copy(update={"hold": True})
    promote(shop.model_copy(update={"promote": held}))
    assert (alias(shop), champion(), failed()) == (worse, worse, ["not_held"])
    promote(shop)
    assert (alias(shop), champion()) == (good, good)


def curve(run_id: str, metric: str) -> dict[int, float]:
    history = open_store().client.get_metric_history(run_id, metric)
    assert len(history) == len({point.step for point in history})  # asked twice, told once
    return {point.step: point.value for point in history}


def test_the_run_of_the_model_in_force_tells_what_to_expect_and_what_became_of_its_promises(shop: Params) -> None:
    run(shop, GOOD, trained_on="2025-01-01")  # its labels end before the cutoff of 2025-07-01
    run(shop)
    found = registry.in_force(open_store(), shop.promote.model_name)
    assert found
    today, test = (int(each.timestamp() // 86_400) for each in (AS_OF, CUTOFF))
    current = Scorer.load(Path("data/champion")).churn_probability(
        pd.read_parquet("data/features/current.parquet")[[COLUMN]].to_numpy(float)
    )
    assert curve(found.run_id, "watch_expected_churn_rate") == {today: pytest.approx(current.mean(), abs=1e-6)}
    assert set(curve(found.run_id, "watch_features_psi")) == {today}
    churned = pd.read_parquet("data/features/history.parquet")["churned"].mean()
    assert curve(found.run_id, "watch_churn_rate") == {test: pytest.approx(churned, abs=1e-6)}


def test_a_model_that_was_in_force_before_is_still_followed(shop: Params) -> None:
    run(shop, WORSE)
    old = registry.in_force(open_store(), shop.promote.model_name)
    before = set(curve(str(old and old.run_id), "watch_log_loss"))
    history = pd.read_parquet("data/features/history.parquet")
    later = CUTOFF + pd.Timedelta(days=30)
    write_table(Path("data/features/history.parquet"), pd.concat([history, history.assign(cutoff=later)]))
    run(shop, GOOD)
    assert alias(shop) != (old and old.model_version)
    assert set(curve(str(old and old.run_id), "watch_log_loss")) - before == {int(later.timestamp() // 86_400)}


def test_another_horizon_is_another_question_and_not_compared(shop: Params) -> None:
    run(shop, GOOD)
    other = run(shop, WORSE, horizon_days=30)
    assert (alias(shop), champion()) == (other, other)
    assert "answers another question (90 days without an order" in str(gate()["reason"])
    assert "log_loss_excess" not in {check["name"] for check in gate()["checks"]}  # type: ignore[attr-defined]


def test_a_model_in_force_whose_columns_are_gone_is_not_compared(shop: Params) -> None:
    good = run(shop, GOOD)
    write_history(Path(), seed=1, column="silence")
    worse = run(shop, WORSE, column="silence")
    assert (alias(shop), champion()) == (worse, worse)
    assert f"{good} in force reads 1 columns that are not there any more (days_since_last_order)" in str(
        gate()["reason"]
    )


def test_a_refitted_model_in_force_is_compared_as_it_was_before_it_saw_the_test(shop: Params) -> None:
    # Its refit looks perfect on this test, but only because it knows the answers; before that it was poor.
    put_model(Path(), shop, GOOD, trained_on="2025-07-01")
    put_poor(Path("data/model/evaluated/recency_rule"), shop)
    log()
    promote(shop)
    fair = run(shop, FAIR)
    assert (alias(shop), champion()) == (fair, fair)


def test_a_model_in_force_that_never_saw_the_test_is_compared_as_it_is(shop: Params) -> None:
    good = put_model(Path(), shop, GOOD, trained_on="2025-01-01")
    put_poor(Path("data/model/evaluated/recency_rule"), shop)
    log()
    promote(shop)
    run(shop, FAIR)
    assert (alias(shop), champion()) == (good, good)


def put_poor(folder: Path, params: Params) -> None:
    """A poor model in a folder of its own."""
    scratch = Path("scratch")
    (scratch / "data/features").mkdir(parents=True)
    for name in ("history.parquet", "catalogue.json"):
        (scratch / "data/features" / name).write_bytes((Path("data/features") / name).read_bytes())
    put_model(scratch, params, FLAT)
    (folder / "model.json").write_bytes((scratch / "data/model/model.json").read_bytes())


def test_new_test_rows_judge_the_model_in_force_again(shop: Params) -> None:
    run(shop, GOOD)
    first = gate()["judged_on"]
    write_history(Path(), seed=2)
    run(shop, GOOD)
    assert gate()["judged_on"] != first
    assert gate()["promoted"] is True


def test_inside_an_experiment_the_alias_stays_and_the_line_says_so(
    shop: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse = run(shop, WORSE)
    monkeypatch.setenv("DVC_EXP_NAME", "brisk-otter")
    good = put_model(Path(), shop, GOOD)
    log()
    line = promote(shop)
    assert "the registry is left alone" in line
    assert (alias(shop), champion(), gate()["promoted"]) == (worse, good, True)
    judged = Path("reports/gate.json").read_bytes()
    monkeypatch.delenv("DVC_EXP_NAME")
    promote(shop)
    assert (alias(shop), champion()) == (good, good)
    assert Path("reports/gate.json").read_bytes() == judged


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


def test_an_earlier_model_that_comes_back_and_holds_its_own_leaves_the_same_bytes(shop: Params) -> None:
    first = run(shop, GOOD)
    before = outs()
    twin = run(shop, 1.001)
    assert alias(shop) == twin
    again = run(shop, GOOD)
    assert (first, alias(shop), champion()) == (again, again, again)
    assert outs() == before
    store = open_store()
    assert len(store.client.search_model_versions(f"name = '{shop.promote.model_name}'")) == 2


def test_an_earlier_model_that_comes_back_but_is_worse_by_now_is_refused(shop: Params) -> None:
    worse = run(shop, WORSE)
    good = run(shop, GOOD)
    assert run(shop, WORSE) == worse
    assert (alias(shop), champion(), failed()) == (good, good, ["log_loss_excess", "worst_segment_excess"])


def test_a_store_that_lost_the_run_says_how_to_log_it_again(shop: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    log()
    Path("other").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri(Path("other").resolve()))
    with pytest.raises(TrackingError, match=r"(?s)Run with id=\w+ not found.*--single-item track"):
        promote(shop)


def test_the_version_is_tagged_with_what_it_is(shop: Params) -> None:
    version = run(shop, GOOD)
    found = open_store().client.get_model_version_by_alias(shop.promote.model_name, registry.ALIAS)
    assert found.tags["model_version"] == version
    assert found.tags["horizon_days"] == "90"
    assert len(found.tags["dvc.lock_md5"]) == 32


def test_a_run_that_dies_while_registering_leaves_the_old_alias(shop: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    worse = run(shop, WORSE)
    put_model(Path(), shop, GOOD)
    log()

    def die(store: Store, name: str, run_id: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "_register", die)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        promote(shop)
    assert (alias(shop), champion()) == (worse, worse)
