"""What all parts share: the history of a shop made by the stages, every method and ours judged at its test cutoff."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.btyd import Floats
from models.candidate import Candidate
from models.history import History, iso
from models.intervals import Bootstrap, Interval, metric_intervals, paired_interval
from models.log_start import without_short_logs
from models.metrics import registry
from models.plain import described, listed, number
from models.selection import Backtest, backtest, splits_of
from models.training import Trained, fit_all
from pipeline import paths
from pipeline.check import check
from pipeline.featurize import featurize
from pipeline.files import read_json, read_table
from pipeline.params import Params, Pull, load_params
from pipeline.pull import pull
from pipeline.train import recipes_of

Line = dict[str, object]
SHOWN = ("brier", "log_loss", "roc_auc", "calibration_error", "skill")
QUICK_ROUNDS = 40


@dataclass(frozen=True)
class Bench:
    """The project's params, the size asked for, and where a large shop may lie ready."""

    params: Params
    quick: bool
    customers: int
    history: Path | None
    shops: tuple[str, ...]

    @classmethod
    def of(cls, params: Path, quick: bool, customers: int, history: Path | None, shops: tuple[str, ...] = ()) -> Self:
        """With fewer rounds and one origin when it must be quick."""
        loaded = load_params(params)
        if quick:
            trees = loaded.train.xgboost.model_copy(update={"rounds": QUICK_ROUNDS})
            fewer = loaded.train.model_copy(update={"origins": 1, "xgboost": trees})
            loaded = loaded.model_copy(update={"train": fewer})
        return cls(loaded, quick, customers, None if history is None else history.resolve(), shops)


@dataclass(frozen=True)
class Judged:
    """P(churned) at the test cutoff by method and by ours, with what was chosen and why."""

    test: History
    methods: dict[str, Floats]
    chosen: str
    about: Line
    evaluate: Bootstrap

    @property
    def ours(self) -> Floats:
        """What the automatic procedure would have said."""
        return self.methods[self.chosen]

    def measured(self, chance: Floats) -> dict[str, Interval]:
        """The metrics shown, with intervals by customer."""
        known = registry(calibration_bins=10, top_share=0.1)
        metrics = {name: known[name] for name in SHOWN}
        return metric_intervals(metrics, self.test.churned, chance, self.test.customers, self.evaluate)

    def gap(self, metric: str, theirs: Floats) -> list[float]:
        """Ours minus theirs on the same resamples: value, low, high."""
        how, test = self.evaluate, self.test
        found = paired_interval(
            metric, test.churned, self.ours, theirs, test.customers, how.resamples, how.seed, how.share
        )
        return [round(part, 4) for part in found.as_dict().values()]


@contextmanager
def made(pulled: Pull, params: Params) -> Iterator[Params]:
    """A folder of its own with the shop pulled and checked; the params that say so."""
    params = params.model_copy(update={"pull": pulled})
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        with redirect_stdout(sys.stderr):  # not around the yield: the lines of the benchmark go to stdout
            pull(params)
            check(params)
        yield params


def featurized(params: Params, **snapshots: int | str | None) -> History:
    """The history of the shop in this folder, for other snapshots."""
    asked = params.snapshots.model_copy(update=snapshots)
    with redirect_stdout(sys.stderr):
        featurize(params.model_copy(update={"snapshots": asked}))
    return history_in(Path())


def history_in(folder: Path) -> History:
    """What the featurize stage wrote in a folder."""
    catalogue = described(read_json(folder / paths.CATALOGUE))  # type: ignore[arg-type]
    columns = [str(described(column)["name"]) for column in listed(catalogue["columns"])]
    return History.of(read_table(folder / paths.HISTORY), columns, int(number(catalogue["horizon_days"])))


def procedure(history: History, params: Params) -> tuple[Backtest, dict[str, Trained]]:
    """The steps of the train stage up to the test cutoff: the choice, and every candidate fitted for that cutoff."""
    recipes = recipes_of(params.train, history.horizon_days)
    with threadpool_limits(1, user_api="blas"):
        history, notes = without_short_logs(history, recipes["blend"], params.train.origins, _say)
        splits, how = splits_of(history, params.train.origins)
        tested = backtest(recipes, splits, how, _say)
        trained = fitted(recipes, history, tested.calibrated)
    return replace(tested, notes=(*notes, *tested.notes)), trained


def fitted(
    recipes: Mapping[str, Candidate], history: History, calibrate: frozenset[str] = frozenset()
) -> dict[str, Trained]:
    """Candidates fitted on what was closed by the last cutoff, brought up to its rows."""
    test = history.moments()[-1]
    return fit_all(recipes, history.at(history.closed_by(test)), history.at([test]).features, calibrate)


def judged(history: History, params: Params) -> Judged:
    """Every candidate at the test cutoff, and which of them is ours."""
    tested, trained = procedure(history, params)
    test, how = history.at(history.moments()[-1:]), params.evaluate
    return Judged(
        test=test,
        methods={name: one.churn_probability(test.features) for name, one in trained.items()},
        chosen=tested.chosen,
        about={
            "chosen": tested.chosen,
            "calibrated": tested.chosen in tested.calibrated,
            "origins": [at[:10] for at in tested.origins],
            "test_cutoff": iso(test.cutoffs[0])[:10],
            "customers": len(test),
            "churn_rate": round(float(test.churned.mean()), 3),
            "notes": [*tested.notes, *tested.warnings],
        },
        evaluate=Bootstrap(how.resamples, how.seed, how.interval_share),
    )


def against_all(name: str, found: Judged) -> Iterator[Line]:
    """One line per method: its Brier score beside ours, and the difference of log loss by customer."""
    mine = found.measured(found.ours)
    for method, chance in found.methods.items():
        theirs = found.measured(chance)
        yield {
            "name": name,
            "ours": round(mine["brier"].value, 4),
            "peer": method,
            "theirs": round(theirs["brier"].value, 4),
            "unit": "Brier score",
            "ratio": round(theirs["brier"].value / mine["brier"].value, 4),
            "target": None,
            "holds": None,
            **{f"their_{metric}": rounded(each) for metric, each in theirs.items()},
            "log_loss_ours_minus_theirs": found.gap("log_loss", chance),
        }


def best_brier(found: Judged) -> tuple[str, float]:
    """The single best method at the test cutoff, known only afterwards."""
    scores = {name: float(np.mean((chance - found.test.churned) ** 2)) for name, chance in found.methods.items()}
    best = min(scores, key=lambda name: scores[name])
    return best, scores[best]


def rounded(each: Interval) -> list[float]:
    """Value, low, high."""
    return [round(part, 4) for part in each.as_dict().values()]


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)
