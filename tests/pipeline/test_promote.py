"""Stage `promote`: who is in force after which verdict, in the registry and in the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.errors import TrackingError
from pipeline.params import Params
from pipeline.promote import promote
from pipeline.tracking import registry
from pipeline.tracking.store import Store, open_store
from tests.pipeline.promoted import FAIR, FLAT, GOOD, WORSE, alias, champion, failed, gate, log, outs, run
from tests.pipeline.tracking_project import put_model, store_uri, write_history


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
