"""`params.yaml`: what is there is valid, and every fault is reported at once with the nearest valid key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from features.errors import ConfigError
from pipeline.params import Params, load_params, parse_params

ROOT = Path(__file__).parents[2]
Tree = dict[str, dict]


@pytest.fixture
def tree() -> Tree:
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def test_the_projects_own_params_are_valid() -> None:
    assert load_params(ROOT / "params.yaml").snapshots.horizon_days == 90


def test_params_cannot_be_changed_after_loading(tree: Tree) -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_params(tree).snapshots.horizon_days = 30


def unknown_key(tree: Tree) -> None:
    tree["snapshots"]["horizn_days"] = 30


def unknown_section(tree: Tree) -> None:
    tree["snapshot"] = {}


def missing_key(tree: Tree) -> None:
    del tree["train"]["origins"]


def wrong_type(tree: Tree) -> None:
    tree["snapshots"]["every_days"] = "monthly"


def unquoted_date(tree: Tree) -> None:
    tree["snapshots"]["as_of"] = yaml.safe_load("2025-10-01")


def no_date(tree: Tree) -> None:
    tree["snapshots"]["test_cutoff"] = "last Monday"


def unknown_zone(tree: Tree) -> None:
    tree["pull"]["source_timezone"] = "Europe/Londno"


def unknown_source(tree: Tree) -> None:
    tree["pull"]["source"] = "ftp"


def unknown_key_of_an_action(tree: Tree) -> None:
    tree["plan"]["actions"]["follow_up"]["cost"] = 1


def negative_cost(tree: Tree) -> None:
    tree["evaluate"]["profit"]["contact_cost_money"] = -1.0


def infinite_cost(tree: Tree) -> None:
    tree["evaluate"]["profit"]["offer_cost_money"] = float("inf")


def more_than_all_accept(tree: Tree) -> None:
    tree["evaluate"]["profit"]["accept_rate"] = 1.5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (unknown_key, r"snapshots\.horizn_days: unknown key; did you mean horizon_days\?"),
        (unknown_section, r"snapshot: unknown key; did you mean snapshots\?"),
        (missing_key, r"train\.origins: missing; it must be set"),
        (wrong_type, r"snapshots\.every_days: .*integer.* \(found 'monthly'\)"),
        (unquoted_date, r'snapshots\.as_of: quote the date: "2025-10-01"'),
        (no_date, r"snapshots\.test_cutoff: 'last Monday' is not a date"),
        (unknown_zone, r"pull\.source_timezone: no time zone named 'Europe/Londno'"),
        (unknown_source, r"pull\.source: .*'demo', 'files', 'online_retail_ii' or 'sql'.*\(found 'ftp'\)"),
        (negative_cost, r"evaluate\.profit\.contact_cost_money: .*greater than or equal to 0 \(found -1\.0\)"),
        (infinite_cost, r"evaluate\.profit\.offer_cost_money: .*finite number \(found inf\)"),
        (more_than_all_accept, r"evaluate\.profit\.accept_rate: .*less than or equal to 1 \(found 1\.5\)"),
        (unknown_key_of_an_action, r"plan\.actions\.follow_up\.cost: unknown key; did you mean cost_money\?"),
    ],
)
def test_a_fault_names_key_value_and_remedy(tree: Tree, spoil: Callable[[Tree], None], message: str) -> None:
    spoil(tree)
    with pytest.raises(ConfigError, match=message):
        parse_params(tree)


def test_all_faults_are_reported_at_once(tree: Tree) -> None:
    for spoil in (unknown_key, missing_key, wrong_type):
        spoil(tree)
    with pytest.raises(ConfigError, match=r"3 fault\(s\)") as caught:
        parse_params(tree)
    assert all(key in str(caught.value) for key in ("horizn_days", "train.origins", "every_days"))


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run from the project's root"):
        load_params(tmp_path / "params.yaml")


def test_broken_yaml_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("pull: [")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_params(tmp_path / "params.yaml")


def test_every_section_of_the_file_is_a_section_of_the_class(tree: Tree) -> None:
    assert list(tree) == list(Params.model_fields)
