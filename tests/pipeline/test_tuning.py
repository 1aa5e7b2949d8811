"""The search within `train`: its report, the settings it hands on, and what it takes from an earlier search."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from models.blend import Blend
from models.boosting import BoostingOnBtyd
from models.history import History
from models.tuning import Recipe, Trial, Verdict
from pipeline import paths, tuning
from pipeline.files import write_table
from pipeline.params import Params, Tuning, load_params
from pipeline.tuning import STUDY, tuned
from tests.models.conftest import BOOSTING, HORIZON_DAYS, feature_columns, history_of, simulated_shop

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shop() -> History:
    table = history_of(simulated_shop(500, 900, seed=9), [500, 590, 680, 770])
    return History.of(table, feature_columns(table), HORIZON_DAYS)


@pytest.fixture
def params(shop: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    monkeypatch.chdir(tmp_path)
    write_table(paths.HISTORY, shop.features)
    monkeypatch.setitem(tuning.SPACE, "rounds", tuning.SPACE["rounds"].__class__(5, 30, whole=True))
    return with_budget(load_params(REPOSITORY / "params.yaml"), trials=3)


def with_budget(params: Params, trials: int, **changes: object) -> Params:
    settings = {"origins": 2, "tuning": Tuning(trials=trials, minutes=None, rows=None)} | changes
    trees = params.train.xgboost.model_copy(update=BOOSTING)
    return params.model_copy(update={"train": params.train.model_copy(update={"xgboost": trees, **settings})})


def test_the_report_holds_every_trial_and_says_why_which_settings_are_used(params: Params, shop: History) -> None:
    report = tuned(params, shop).report
    assert report["budget"] == {"trials": 3, "minutes": None, "rows": None}
    assert report["params"] == BOOSTING
    assert len(report["origins"]) == len(report["rows"]) == 2  # type: ignore[arg-type]
    assert [trial["state"] for trial in report["trials"]][:2] == ["complete", "complete"]  # type: ignore[union-attr,index,call-overload]
    assert isinstance(report["why"], str)


def test_the_same_search_again_is_read_from_its_file_and_gives_the_same_report(
    params: Params, shop: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tuned(params, shop).report
    STUDY.rename("first.db")
    afresh = tuned(params, shop).report
    monkeypatch.setattr("models.tuning.loss_of", None)  # nothing may be fitted
    assert tuned(params, shop).report == afresh == first


def test_a_larger_budget_goes_on_and_a_smaller_one_looks_at_the_first_trials_only(
    params: Params, shop: History
) -> None:
    small = tuned(params, shop).report["trials"]
    large = tuned(with_budget(params, trials=5), shop).report["trials"]
    assert large[:3] == small == tuned(params, shop).report["trials"]  # type: ignore[index]
    assert len(large) == 5  # type: ignore[arg-type]


@pytest.mark.parametrize("change", ["data", "seed", "settings"])
def test_another_shop_or_other_params_are_another_study(params: Params, shop: History, change: str) -> None:
    tuned(params, shop)
    trees = params.train.xgboost.model_copy(update={"max_depth": 3})
    other = {"data": {}, "seed": {"seed": 8}, "settings": {"xgboost": trees}}[change]
    if change == "data":
        write_table(paths.HISTORY, shop.features.iloc[:-1])
    tuned(params.model_copy(update={"train": params.train.model_copy(update=other)}), shop)
    assert len(optuna.get_all_study_names(f"sqlite:///{STUDY}")) == 2


def test_after_the_time_limit_no_new_trial_begins_but_the_settings_of_params_are_always_tried(
    params: Params, shop: History
) -> None:
    short = with_budget(params, 3, tuning=Tuning(trials=3, minutes=1e-9, rows=None))
    report = tuned(short, shop).report
    assert len(report["trials"]) == 1  # type: ignore[arg-type]
    assert report["settings"] == BOOSTING


def test_settings_that_won_are_handed_on_with_their_types(
    params: Params, shop: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    better = Trial({**BOOSTING, "rounds": 12.0, "max_depth": 3.0, "l2": 0.5}, (0.1, 0.1), "complete")
    monkeypatch.setattr(tuning, "verdict", lambda *_: Verdict(better.settings, 2, "because"))
    found = tuned(params, shop)
    assert found.params.train.xgboost.model_dump() == {**BOOSTING, "rounds": 12, "max_depth": 3, "l2": 0.5}
    assert isinstance(found.params.train.xgboost.rounds, int)
    assert (found.report["trial"], found.report["why"]) == (2, "because")


@pytest.mark.parametrize(
    ("names", "kind"), [(["xgboost", "blend"], Blend), (["xgboost_btyd", "bgnbd"], BoostingOnBtyd)]
)
def test_the_model_in_use_is_the_blend_if_there_is_one(
    names: list[str], kind: type, params: Params, shop: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def verdict(_: object, in_use: Recipe, __: object) -> Verdict:
        asked.append(in_use(BOOSTING))
        return Verdict(dict(BOOSTING), 0, "because")

    monkeypatch.setattr(tuning, "verdict", verdict)
    tuned(with_budget(params, trials=1, candidates=names), shop)
    assert [type(one) for one in asked] == [kind]


@pytest.mark.parametrize("changes", [{"candidates": ["recency_rule", "bgnbd"]}, {"tuning": None}])
def test_without_trials_or_trees_nothing_is_searched_and_the_report_says_so(
    params: Params, shop: History, changes: dict[str, object]
) -> None:
    changes = {"tuning": Tuning(trials=0, minutes=None, rows=None)} if "tuning" in changes else changes
    idle = with_budget(params, 3, **changes)
    found = tuned(idle, shop)
    assert found.params is idle
    assert found.report["why"] == "no search: train.tuning.trials is 0, or no candidate has trees"
    assert (found.report["trials"], found.report["settings"]) == ([], BOOSTING)
    assert not STUDY.exists()
