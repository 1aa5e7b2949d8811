"""`reports/watch.json`: what moved, what to expect of today's scores, what became of earlier ones, and the warnings."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from models.drift import Moved
from pipeline import paths
from pipeline.files import read_json
from pipeline.params import Watch
from pipeline.watching.moves import features_moved, scores_moved
from pipeline.watching.outcomes import CHANCE, outcomes, promised
from pipeline.watching.today import Today, training_rows

NAMED = 3
Tree = dict[str, object]


def watched(today: Today, history: Path = paths.HISTORY) -> Tree:
    """Everything that can be said of the model in force without a judgement."""
    then, as_of = training_rows(today.scorer, history), today.as_of
    return {
        "model_version": today.scorer.model_version,
        "chosen": today.scorer.chosen,
        "as_of": None if as_of is None else as_of.isoformat(),
        "customers": len(today.current),
        "training": {
            "rows": then.rows,
            "compared": len(then.values),
            "first_cutoff": then.cutoffs[0].isoformat() if then.cutoffs else None,
            "last_cutoff": then.cutoffs[-1].isoformat() if then.cutoffs else None,
        },
        "features": features_moved(today, then),
        "scores": scores_moved(today, then),
        "expected": promised(today.probability) if len(today.probability) else {},
        "expected_share": CHANCE.share,
        "outcomes": outcomes(today.scorer, history, paths.PREDICTIONS, _evaluated_version()),
    }


def judged(seen: Tree, limits: Watch) -> Tree:
    """The same with the limits and a sentence for each that is exceeded; chance alone exceeds none."""
    warnings = [*_moves(seen, limits), *_outcome(seen, limits)]
    return {**seen, "limits": limits.model_dump(mode="json"), "warnings": warnings}


def _evaluated_version() -> str | None:
    return str(read_json(paths.METRICS).get("model_version")) if paths.METRICS.exists() else None


def _moves(seen: Tree, limits: Watch) -> list[str]:
    parts = (("features", "the features, weighted by what they move in the scores,"), ("scores", "the scores"))
    found = []
    for part, what in parts:
        told = cast("Tree", seen[part])
        index = _moved(told)
        if index.exceeds(limits.moved_psi):
            is_much = index.exceeds(limits.much_moved_psi)
            limit = limits.much_moved_psi if is_much else limits.moved_psi
            found.append(
                f"{what} moved{' much' if is_much else ''} since training: stability index {index.index:.2f}, above "
                f"{limit:g} (by chance at most {index.by_chance:.2f}){_most(told, limits)}"
            )
    return found


def _most(told: Tree, limits: Watch) -> str:
    columns = cast("list[Tree]", told.get("columns", []))
    far = [column for column in columns if _moved(column).exceeds(limits.much_moved_psi)][:NAMED]
    return "; most: " + ", ".join(f"{one['name']} {one['psi']:.2f}" for one in far) if far else ""


def _outcome(seen: Tree, limits: Watch) -> list[str]:
    closed = cast("list[Tree]", cast("Tree", seen["outcomes"])["cutoffs"])
    if not closed:
        return []
    rate = cast("dict[str, dict[str, float]]", closed[-1]["metrics"])["churn_rate"]
    gap = rate["measured"] - rate["expected"]
    if rate["low"] <= rate["measured"] <= rate["high"] or abs(gap) <= limits.churn_rate_gap:
        return []
    who = f"of {closed[-1]['customers']:,} customers at {str(closed[-1]['cutoff'])[:10]}, the latest closed horizon"
    told = f"{rate['measured']:.3f} left and {rate['expected']:.3f} were expected to"
    return [f"the calibration drifted: {who}, {told} ({gap:+.3f}, more than {limits.churn_rate_gap:g})"]


def _moved(told: Tree) -> Moved:
    return Moved(cast("float", told["psi"]), cast("float", told["by_chance"]))
