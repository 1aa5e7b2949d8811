"""The end of `make run`: how good the model is, who was scored, who would be contacted, where to look next."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping

import pyarrow.parquet as pq

from features.errors import DataError, RekindleError
from pipeline import paths
from pipeline.files import read_json

WIDTH = 100
NAMES = {
    "roc_auc": "AUC",
    "pr_auc": "PR-AUC",
    "brier": "Brier score",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
    "lift_top_decile": "lift, top decile",
    "skill": "skill",
}
LOWER_IS_BETTER = {"brier", "log_loss", "calibration_error"}
Tree = Mapping[str, object]


def main() -> None:
    """Print the summary; exits 1 when a stage has not run yet."""
    try:
        print("\n".join(summary()))
    except RekindleError as error:
        sys.exit(f"summary: {error}")


def summary() -> list[str]:
    """The lines of the summary, at most 100 columns wide."""
    metrics, plan = read_json(paths.METRICS), read_json(paths.PLAN_COUNTS)
    return [
        "",
        f"Test on {_whole(metrics, 'customers'):,} customers at {_day(metrics, 'test_cutoff')}, unseen by the model",
        "",
        *metric_lines(metrics),
        "",
        *_entry("scored", _scored()),
        *plan_lines(plan),
        *_entry("look next", f"{paths.REPORT}: the whole picture in one page"),
        *_entry("", "make ui: runs side by side · make serve: scores and plans on request"),
        "",
    ]


def metric_lines(metrics: Tree) -> list[str]:
    """The metrics as an aligned table: ours and the best single method, each with its interval."""
    share = f"{100 * number(metrics, 'interval_share'):.0f} %"
    rate, low, high = (100 * number(metrics, "churn_rate", side) for side in ("value", "low", "high"))
    rows = [
        ("", f"ours ({share} interval)", "best single method, by this metric"),
        (f"churn in {_whole(metrics, 'horizon_days')} days", f"{rate:.1f} % ({low:.1f}–{high:.1f})", ""),
        *(_row(name, tree(metrics, "metrics", name)) for name in NAMES),
    ]
    lines = [f"{first:<24}{second:<27}{third}".rstrip() for first, second, third in rows]
    return [*lines, *_oracle(metrics), *_entry("ours is", f"{metrics['chosen']}, {metrics['model_version']}")]


def plan_lines(plan: Tree) -> list[str]:
    """How many would be contacted with what, and what stopped the rest."""
    everyone, contacted = _whole(plan, "customers"), _whole(plan, "contacted")
    share = f" ({100 * contacted / everyone:.1f} %)" if everyone else ""
    actions, gates = _counts(tree(plan, "by_action")), _counts(tree(plan, "by_gate"))
    return [
        *_entry("would contact", f"{contacted:,} of {everyone:,}{share}" + (f": {actions}" if actions else "")),
        *_entry("left alone", f"{everyone - contacted:,}" + (f": {gates}" if gates else "")),
    ]


def tree(values: Tree, *path: str) -> Tree:
    """The object at a path; raises DataError when the report is of another make."""
    found: object = values
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        raise DataError(f"a report has no {'.'.join(path)}; run `dvc repro` to write it anew.")
    return found


def number(values: Tree, *path: str) -> float:
    """The number at a path; raises DataError when it is not there."""
    found = tree(values, *path[:-1]).get(path[-1])
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise DataError(f"a report has no number {'.'.join(path)}; run `dvc repro` to write it anew.")
    return float(found)


def interval(values: Tree) -> str:
    """A value and its interval: 0.842 (0.835–0.849)."""
    value, low, high = (number(values, key) for key in ("value", "low", "high"))
    return f"{value:.3f} ({low:.3f}–{high:.3f})"


def _row(name: str, sides: Tree) -> tuple[str, str, str]:
    best = sides.get("best_baseline")
    theirs = f"{interval(best)}  {best['name']}" if isinstance(best, Mapping) else "none was fitted"
    return _label(name), interval(tree(sides, "ours")), theirs


def _label(name: str) -> str:
    return f"{NAMES[name]} {'↓' if name in LOWER_IS_BETTER else '↑'}"


def _oracle(metrics: Tree) -> list[str]:
    if "oracle" not in metrics:
        return []
    auc, loss = number(metrics, "oracle", "roc_auc"), number(metrics, "oracle", "log_loss")
    return _entry("oracle", f"AUC {auc:.3f}, log loss {loss:.3f} (knows the hidden state, as nobody can)")


def _scored() -> str:
    if not paths.SCORES.exists():
        raise DataError(f"{paths.SCORES} is not there; run `dvc repro` to make it.")
    scores = pq.read_table(paths.SCORES, columns=["as_of", "churn_probability"]).to_pandas()
    likely = int((scores["churn_probability"] > 0.5).sum())
    day = f"{scores['as_of'].max():%Y-%m-%d}"
    return f"{len(scores):,} customers as of {day}, {likely:,} more likely to leave than to stay"


def _counts(counts: Tree) -> str:
    most_first = sorted(counts, key=lambda name: (-_whole(counts, name), name))
    return " · ".join(f"{name.replace('_', ' ')} {_whole(counts, name):,}" for name in most_first)


def _entry(name: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"{name:<24}", subsequent_indent=" " * 24)


def _whole(values: Tree, *path: str) -> int:
    return int(number(values, *path))


def _day(values: Tree, key: str) -> str:
    return str(values.get(key))[:10]


if __name__ == "__main__":
    main()
