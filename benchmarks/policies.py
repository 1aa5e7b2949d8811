"""What policies are worth: net margin per customer over six months of the demo shop, against touching nobody.

All policies live the same luck, stand before the same gates (so everybody obeys the ask rule, too) and, but for
"everybody", have the same number of contacts a month: 5 % of the customers. Every month the real engine makes the
features anew and a logistic model trained at t0 scores them. `ours` sends what is expected to pay, by the uplift
learned from the shop's past campaigns; `learning` is the same shop on its first day: by lot, with its control groups.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from models.response import Response
from pipeline.demo_shop.ahead import World
from pipeline.demo_shop.ahead_tables import month_begin_us
from pipeline.loop import arms, past
from pipeline.loop.folder import append_clean, hushed, inside
from pipeline.loop.futures import Future, Plot, lived
from pipeline.loop.gain import Gain, mean_gain
from pipeline.loop.nights import decisions_of
from pipeline.loop.policies import without_controls
from pipeline.loop.six_months import Asked
from pipeline.loop.touches import Chosen
from pipeline.params import Params, load_params
from serving.decisions import Decisions

NOBODY, EVERYBODY, RANDOM, RISK, RISK_VALUE = "nobody", "everybody", "random", "highest risk", "risk x value"
LEARNING, OURS, ORACLE = "learning", "ours", "the oracle"
NAMES = (NOBODY, EVERYBODY, RANDOM, RISK, RISK_VALUE, LEARNING, OURS, ORACLE)
BY_RANK: dict[str, Callable[[Decisions], arms.Worth]] = {
    EVERYBODY: arms.everybody,
    RANDOM: arms.random,
    LEARNING: arms.random,
    RISK: arms.highest_risk,
    RISK_VALUE: arms.risk_times_value,
}
TARGETS = {
    # A message costs two cents here: what to save is people's patience.
    EVERYBODY: "not clearly below theirs with at most half the messages",
    ORACLE: "none: nobody can know this",
}
WORKERS = 2


@dataclass(frozen=True)
class Size:
    """How much is lived: customers at t0 of each shop, months, shops, past campaigns to learn from."""

    customers: int
    months: int
    shops: int
    campaigns: int


FULL, QUICK = Size(8_000, 6, 3, 16), Size(1_500, 2, 1, 6)


def opened(asked: Asked, size: Size, home: Path) -> dict[str, Response]:
    """The shop of a seed up to t0, its model, and what its past campaigns taught."""
    plot = asked.plot()
    with inside(home / "t0"):
        asked.nights.open_shop()
        night = asked.nights.at(0)
        asked.nights.again(night, learn=True)
        with hushed():
            learned = past.learned(night, month_begin_us(plot.everybody, 0), size.campaigns)
    return learned


def future(asked: Asked, home: Path, learned: dict[str, Response], name: str) -> Future:
    """One policy, to the end of the months."""
    plot = asked.plot()
    plot = Plot(plot.everybody, plot.seed, plot.months, plot.policy, plot.margin_share, append_clean)
    folder = home / name.replace(" ", "_")
    if name == NOBODY:
        return lived(name, plot, folder, None, None)
    for part in ("data/clean", "data/champion"):
        shutil.copytree(home / "t0" / part, folder / part)
    policy = plot.policy if name == LEARNING else without_controls(plot.policy)

    def choose(world: World, _: int, params: Params) -> Chosen:
        few = params.model_copy(update={"snapshots": params.snapshots.model_copy(update={"max_cutoffs": 2})})
        asked.nights.again(few, learn=False)
        decisions = decisions_of(few, policy)
        if name == ORACLE:
            worth = arms.by_value(decisions, arms.true_values(decisions, world, plot.until))
        elif name == OURS:
            worth = arms.by_value(decisions, past.values(learned, decisions.case.facts, policy))
        else:
            worth = BY_RANK[name](decisions)
        return arms.chosen(decisions, worth, None if name == EVERYBODY else plot.policy.max_contacts)

    found = lived(name, plot, folder, asked.nights.at, choose)
    shutil.rmtree(folder)
    return found


def shop(params: Params, size: Size, seed: int) -> tuple[dict[str, Future], dict[str, Response]]:
    """All policies in one shop, two at a time."""
    asked = Asked(params, size.customers, size.months, seed)
    with tempfile.TemporaryDirectory(prefix="rekindle-policies-") as scratch:
        home = Path(scratch).resolve()
        learned = opened(asked, size, home)
        # A process of its own for each: the stages work in the current folder.
        with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
            each = [pool.submit(future, asked, home, learned, name) for name in NAMES]
            return {name: one.result() for name, one in zip(NAMES, each, strict=True)}, learned


def line(name: str, shops: list[dict[str, Future]], size: Size) -> dict[str, object]:
    """Ours beside one policy, both against nobody, and the difference of the two with its interval."""
    ours, theirs = total(OURS, NOBODY, shops), total(name, NOBODY, shops)
    better = total(OURS, name, shops)
    ours_sent, theirs_sent = (sum(found[each].contacts for found in shops) for each in (OURS, name))
    people = sum(len(found[NOBODY].net) for found in shops)
    return {
        "name": f"policies_{name.replace(' ', '_')}",
        "ours": round(ours.value, 4),
        "peer": name,
        "theirs": round(theirs.value, 4),
        "unit": "money per customer over the months, against nobody",
        "ratio": round(ours.value / theirs.value, 3) if theirs.value > 0 else None,
        "target": TARGETS.get(name, "ours above theirs, interval of the difference"),
        "holds": _holds(name, better, ours_sent / max(theirs_sent, 1)),
        "ours_interval": [round(ours.low, 4), round(ours.high, 4)],
        "theirs_interval": [round(theirs.low, 4), round(theirs.high, 4)],
        "difference": [round(better.value, 4), round(better.low, 4), round(better.high, 4)],
        "theirs_by_the_truth": round(sum(found[name].promised for found in shops) / people, 4),
        "ours_by_the_truth": round(sum(found[OURS].promised for found in shops) / people, 4),
        "their_contacts": theirs_sent,
        "their_contacts_to_the_gone": sum(found[name].to_the_gone for found in shops),
        "our_contacts": ours_sent,
        "our_contacts_to_the_gone": sum(found[OURS].to_the_gone for found in shops),
        "customers": people,
        "months": size.months,
        "shops": size.shops,
        "cores": os.cpu_count(),
    }


def _holds(name: str, better: Gain, share_of_messages: float) -> bool:
    if name == EVERYBODY:
        return bool(better.high >= 0.0 and share_of_messages <= 0.5)
    return name == ORACLE or bool(better.low > 0.0)


def total(name: str, other: str, shops: list[dict[str, Future]]) -> Gain:
    """The gain of one policy over another, over the people of all shops."""
    return mean_gain(np.concatenate([found[name].net - found[other].net for found in shops]))


def main() -> None:
    """Print one JSON object per policy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small size that ends within a minute or two")
    parser.add_argument("--shops", type=int, metavar="N", help=f"other seeds of the demo shop (default {FULL.shops})")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    size = replace(size, shops=options.shops or size.shops)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    params = load_params(Path(__file__).parents[1] / "params.yaml")
    shops = []
    for seed in range(7, 7 + size.shops):
        with hushed():
            found, learned = shop(params, size, seed)
        shops.append(found)
        told = {name: f"{one.value:.3f} ± {one.standard_error:.3f}" for name, one in learned.items()}
        print(f"  shop {seed}: response {told}", file=sys.stderr, flush=True)
    for name in NAMES:
        if name != OURS:
            print(json.dumps(line(name, shops, size)), flush=True)


if __name__ == "__main__":
    main()
