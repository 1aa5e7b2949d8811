"""Do effects of simulated campaigns come out as they are? One JSON object per line; the people are the demo shop's.

false alarms   2,000 windows in which nothing was sent: how often the interval leaves out zero (nominal 5 %)
coverage       2,000 windows with a touch of known effect: how often the interval holds it (nominal 95 %)
by action      the same for one action drawn by lot among two to four, weighted by the chance of the lot
sample ratio   how often the alarm of uneven arms sounds with nothing wrong
uplift         intervals of fifths of the people by predicted uplift, against their true uplift

The peer is Welch's t interval on the same runs. Eight thousand people a run, one in ten in control, net margin of 90
days after a discount of a tenth and the cost of sending; only those with consent are reached, all drawn are counted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.effect_parts.world import FACTS, World, lived, made_world
from models.effect import Effect, Trial, adjusted, effect, sample_ratio
from models.uplift import prepared, standardised
from models.uplift_learning import fifths, learn_uplift, scored

CONTROL_SHARE = 0.1
POOL = 60_000
SEED = 20260101
Line = dict[str, object]


def main() -> None:
    """Print one JSON object per line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few runs: shows that all work, not that targets hold")
    quick = parser.parse_args().quick
    if quick:
        print("a small size, to see that all runs: the targets are those of the full size", file=sys.stderr)
    world, runs, people = made_world(6_000 if quick else POOL), 60 if quick else 2_000, 2_000 if quick else 8_000
    for line in lines(world, runs, people):
        print(json.dumps(line), flush=True)


def lines(world: World, runs: int, people: int) -> Iterator[Line]:
    """The lines of the benchmark."""
    about: Line = {"unit": "%", "runs": runs, "people": people, "cores": 1}
    for works, name, target in ((False, "false alarms", (4.0, 6.0)), (True, "coverage", (93.5, 96.5))):
        truth = float(world.true_effect.mean()) if works else 0.0
        for way, found in judged(world, runs, people, works, truth).items():
            yield _line(f"{name}, {way}", found, target, about | {"true_effect_money": round(truth, 4)})
    yield _by_action(world, runs, people, about)
    yield _ratios(runs, people, about)
    yield _uplift(world, max(runs // 10, 5), people, about)


def judged(world: World, runs: int, people: int, works: bool, truth: float) -> dict[str, tuple[float, float]]:
    """Percent of runs, ours and Welch's: nothing sent, the interval leaves out zero; sent, it holds the truth."""
    draws = np.random.default_rng([SEED, works])
    held: dict[str, list[tuple[bool, bool]]] = {"plain": [], "with CUPED": []}
    for _ in range(runs):
        window = lived(world, draws, people, 1.0 - CONTROL_SHARE, works)
        plain = Trial.even(window.margin, window.treated, 1.0 - CONTROL_SHARE)
        for way, trial in (("plain", plain), ("with CUPED", adjusted(plain, world.before[window.row]))):
            ours, theirs = effect(trial), welch(trial)
            held[way].append((_holds(ours, truth), theirs[0] <= truth <= theirs[1]))
    shares = {way: np.mean(found, axis=0) for way, found in held.items()}
    told = {way: 100.0 * (share if works else 1.0 - share) for way, share in shares.items()}
    return {way: (float(ours), float(theirs)) for way, (ours, theirs) in told.items()}


def welch(trial: Trial) -> tuple[float, float]:
    """The peer's interval."""
    result = stats.ttest_ind(trial.outcome[trial.treated], trial.outcome[~trial.treated], equal_var=False)
    interval = result.confidence_interval(0.95)
    return float(interval.low), float(interval.high)


def _by_action(world: World, runs: int, people: int, about: Line) -> Line:
    """Who has fewer actions open is more likely to get this one, and is another sort of customer."""
    draws, truth = np.random.default_rng([SEED, 2]), float(world.true_effect.mean())
    chance = (1.0 - CONTROL_SHARE) / np.where(world.facts[:, FACTS.index("orders")] > 1, 2.0, 4.0)
    held = []
    for _ in range(runs):
        window = lived(world, draws, people, chance, works=True)
        # Of those not drawn for it, the controls; the others got another action and are not in its trial.
        inside = window.treated | (draws.random(people) < CONTROL_SHARE / (1.0 - chance[window.row]))
        lots = chance[window.row], np.full(people, CONTROL_SHARE)
        trial = Trial(window.margin, window.treated, *lots, np.arange(people)).where(inside)
        low, high = welch(trial)
        held.append((_holds(effect(trial), truth), low <= truth <= high))
    ours, theirs = 100.0 * np.mean(held, axis=0)
    return _line("coverage, one action by lot", (float(ours), float(theirs)), (93.5, 96.5), about)


def _ratios(runs: int, people: int, about: Line) -> Line:
    draws = np.random.default_rng([SEED, 3])
    arms = [draws.random(people) < 1.0 - CONTROL_SHARE for _ in range(runs)]
    sounded = [sample_ratio(Trial.even(np.zeros(people), arm, 1.0 - CONTROL_SHARE)).is_alarming for arm in arms]
    share = 100.0 * float(np.mean(sounded))
    return {"name": "false alarms, sample ratio", "ours": share, "target": "at most 0.3", "holds": share <= 0.3} | about


def _uplift(world: World, runs: int, people: int, about: Line) -> Line:
    """Half in control: uplift is learned from actions drawn by lot, where few others are left."""
    draws, hits, chosen = np.random.default_rng([SEED, 4]), [], []
    for _ in range(runs):
        window = lived(world, draws, people, 0.5, works=True)
        trial, facts = Trial.even(window.ordered, window.treated, 0.5), world.facts[window.row]
        learned = learn_uplift(trial, facts, FACTS)
        values = prepared(FACTS, facts)
        rows = standardised(values, learned.mean, learned.spread)
        place = fifths(scored(trial, rows).said[learned.learner])
        truth = world.true_uplift[window.row]
        hits += [group.low <= truth[place == at].mean() <= group.high for at, group in enumerate(learned.groups)]
        chosen.append(learned.learner)
    told = {name: chosen.count(name) for name in sorted(set(chosen))}
    return _line("coverage, uplift of fifths", (100.0 * float(np.mean(hits)), None), (93.5, 96.5), about) | {
        "runs": runs,
        "chosen": told,
    }


def _holds(found: Effect, truth: float) -> bool:
    return found.low <= truth <= found.high


def _line(name: str, found: tuple[float, float | None], target: tuple[float, float], about: Line) -> Line:
    ours, theirs = found
    peer: Line = {"peer": "Welch's t", "theirs": round(theirs, 2)} if theirs is not None else {}
    low, high = target
    return {
        "name": name,
        "ours": round(ours, 2),
        **peer,
        "target": f"{low} to {high}",
        "holds": low <= ours <= high,
    } | about


if __name__ == "__main__":
    main()
