"""The benchmark of the models: its simulated shops live by their process, its bounds are the stated ones."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.model_parts import gap, judge
from benchmarks.model_parts.judge import Bench
from benchmarks.model_parts.lines import printed
from benchmarks.model_parts.settings import SETTINGS
from benchmarks.model_parts.shops import SHOPS, START, Shop, Story, oracle, told
from models.history import History
from models.intervals import Interval
from pipeline.params import load_params

ROOT = Path(__file__).parents[2]
AT = 600


def known_at(story: Story, day: int) -> History:
    """Everybody who ordered before the day, and whether an order came within the horizon."""
    shop = story.shop
    who = np.unique(story.customer[story.day < day])
    came = np.unique(story.customer[(story.day >= day) & (story.day < day + shop.horizon)])
    cutoffs = np.full(len(who), START + np.timedelta64(day, "D"))
    names = np.array([f"c{number:06d}" for number in who], dtype=object)
    return History(pd.DataFrame(index=range(len(who))), (~np.isin(who, came)).astype(np.int8), cutoffs, names, 90)


@pytest.mark.parametrize("shop", SHOPS[:3], ids=lambda shop: shop.name)
def test_the_oracle_of_every_shop_expects_what_happens_and_knows_who(shop: Shop) -> None:
    story = told(replace(shop, customers=3000), seed=5)
    test = known_at(story, AT)
    chance = oracle(story, test)
    noise = np.sqrt((chance * (1 - chance)).sum()) / len(test)
    assert chance.mean() == pytest.approx(test.churned.mean(), abs=4 * noise)
    assert chance[test.churned == 1].mean() > chance[test.churned == 0].mean() + 0.3


def test_a_shop_older_than_its_log_has_customers_whose_first_order_nobody_saw() -> None:
    opened, older = (told(replace(SHOPS[1], customers=4000, before=days), seed=5) for days in (0, 1000))
    firsts = [pd.Series(story.day).groupby(story.customer).min() for story in (opened, older)]
    early = [float((first < 90).mean()) for first in firsts]
    assert early[0] == pytest.approx(0.1, abs=0.02)
    assert early[1] > 1.5 * early[0]
    assert min(opened.day.min(), older.day.min()) >= 0


def test_a_setting_names_every_bound_that_is_missed() -> None:
    good = {"brier": 0.1778, "roc_auc": 0.8061, "calibration_error": 0.03}
    for metric, worse in (("brier", 0.1779), ("roc_auc", 0.8059), ("calibration_error", 0.031)):
        for found, missed in ((good, []), (good | {metric: worse}, [metric])):
            assert SETTINGS[0].missed({name: Interval(value, value, value) for name, value in found.items()}) == missed


def test_a_family_closes_what_it_adds_to_order_times_and_is_missed_less_when_another_says_the_same() -> None:
    draw, people, cutoffs = np.random.default_rng(3), 1500, 3
    churned = draw.integers(0, 2, people * cutoffs).astype(np.int8)
    told_by = churned + draw.normal(scale=0.6, size=len(churned))
    noise = draw.normal(size=(len(churned), 2))
    names = ["btyd_x", "visits", "visits_again", "moon"]
    features = pd.DataFrame(np.column_stack([noise[:, 0], told_by, told_by, noise[:, 1]]), columns=names)
    moments = np.repeat([START + np.timedelta64(90 * number, "D") for number in range(cutoffs)], people)
    ids = np.array([f"c{number % people:05d}" for number in range(len(churned))], dtype=object)
    history = History(features, churned, moments, ids, 90)
    fresh = history.at(history.moments()[-1:])
    bench = Bench.of(ROOT / "params.yaml", quick=True, customers=0, history=None)
    families = {name: [column] for name, column in zip(("btyd", "site", "copy", "moon"), names, strict=True)}
    found = {str(line["name"]): line for line in gap.lines(bench, history, fresh, families, ceiling=0.5)}
    assert set(found) == {"gap_site", "gap_copy", "gap_moon"}
    site = found["gap_site"]
    ours, theirs, closed = (float(str(site[name])) for name in ("ours", "theirs", "closes_of_the_way"))
    assert ours > theirs + 0.2
    assert closed == pytest.approx((ours - theirs) / (0.5 - theirs), abs=1e-3)
    assert found["gap_copy"]["closes_of_the_way"] == pytest.approx(closed, abs=0.02)
    assert abs(float(str(found["gap_moon"]["closes_of_the_way"]))) < 0.1
    alone = {name: columns for name, columns in families.items() if name != "copy"}
    (missed, _) = gap.lines(bench, history, fresh, alone, ceiling=0.5)
    with_copy, without_copy = (float(str(line["lost_without_it"])) for line in (site, missed))
    assert without_copy > 2 * with_copy > 0  # not 0 with a copy: a tree that is dealt neither column knows nothing


def test_lines_are_one_json_object_each_or_one_table_per_shop(capsys: pytest.CaptureFixture[str]) -> None:
    triple = [0.1, 0.05, 0.2]
    metrics = {f"their_{name}": triple for name in ("brier", "log_loss", "roc_auc", "calibration_error")}
    lines = [{"name": "s", "peer": peer, **metrics, "log_loss_ours_minus_theirs": triple} for peer in ("a", "b")]
    printed(lines, markdown=False)
    assert [json.loads(line)["peer"] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]
    printed([*lines, {"name": "s", "holds": True}], markdown=True)
    told_all = capsys.readouterr().out
    assert told_all.count("| Brier |") == 1
    assert "| b | 0.1000 (0.0500 to 0.2000) |" in told_all
    assert "**s**: holds True" in told_all


def test_the_stages_of_a_shop_speak_on_stderr_and_the_lines_on_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage in ("pull", "check"):
        monkeypatch.setattr(judge, stage, lambda _: print("stage"))
    params = load_params(ROOT / "params.yaml")
    with judge.made(params.pull, params):
        print("line")
    told_all = capsys.readouterr()
    assert (told_all.out, told_all.err) == ("line\n", "stage\nstage\n")


def test_the_script_says_what_it_measured_and_which_parts_there_are() -> None:
    script = [sys.executable, str(ROOT / "benchmarks/models.py")]
    lines = subprocess.run([*script, "btyd", "--quick"], check=True, capture_output=True, text=True).stdout.splitlines()
    for line in map(json.loads, lines):
        assert {"name", "ours", "peer", "theirs", "unit", "ratio", "target", "holds"} <= set(line)
        assert line["largest_error_of_a_parameter"] < 0.1
    refused = subprocess.run([*script, "oracle"], check=False, capture_output=True, text=True)
    assert (refused.returncode, len(lines)) == (2, 2)
    assert "there is no part oracle; choose from btyd, settings, shops, calibration, ceiling" in refused.stderr
