"""Trees fitted on more rows than memory holds: rows come in batches, XGBoost keeps them binned in pages on disk.

Everything else of a model (process models, logistic, blend weights, calibration) is learned from a sample of
customers before; a million rows say no less to a few dozen parameters than ten million do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xgboost as xgb

from models.boosting import THREADS, booster_of
from models.btyd import Floats
from models.candidate import Labels
from models.formulas import Formula, Rows, log_odds, parts, required_columns
from models.plain import described, texts
from models.training import Trained


@dataclass(frozen=True)
class Batch:
    """Some rows: values (float64, one column per name asked for, empty = NaN) and their labels."""

    values: Floats
    churned: Labels


Batches = Callable[[list[str]], Iterator[Batch]]  # a fresh pass over the same rows in the same order, of some columns
FitTrees = Callable[[Formula], xgb.Booster]  # from the part of a formula that has trees


class Pages(xgb.DataIter):  # type: ignore[misc]  # xgboost carries no types
    """Batches as XGBoost wants them: float32 columns of the trees, and the log odds of their base as base margin."""

    def __init__(self, batches: Batches, trees: Formula, cache: Path | None) -> None:
        self._columns, self._base = texts(trees["columns"]), described(trees["base"])
        self._names = sorted({*self._columns, *required_columns(self._base)})
        self._batches = batches
        self._rows: Iterator[Batch] = iter(())
        super().__init__(cache_prefix=None if cache is None else str(cache / "pages"))

    def reset(self) -> None:
        """Begin a new pass."""
        self._rows = self._batches(self._names)

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand over the next batch; False at the end."""
        batch = next(self._rows, None)
        if batch is None:
            return False
        rows = Rows.of(batch.values, self._names)
        margin = log_odds(self._base, rows).astype(np.float32)
        input_data(data=rows.columns(self._columns).astype(np.float32), label=batch.churned, base_margin=margin)
        return True


def trees_from_disk(batches: Batches, settings: Mapping[str, float], seed: int, folder: Path | None = None) -> FitTrees:
    """Fits trees on the batches, a page of them in memory at a time; the pages lie in `folder` meanwhile."""

    def fit(trees: Formula) -> xgb.Booster:
        with TemporaryDirectory(dir=folder, prefix="rekindle-pages-") as cache:
            return _fitted(Pages(batches, trees, Path(cache)), settings, seed)

    return fit


def refitted(models: Mapping[str, Trained], fit: FitTrees, rows: int, churn_rate: float) -> dict[str, Trained]:
    """The same models with their trees fitted anew; who shares trees shares the new ones, who has none stays."""
    done: list[tuple[Formula, xgb.Booster]] = []
    return {name: _with_new_trees(trained, fit, done, (rows, churn_rate)) for name, trained in models.items()}


def _fitted(rows: Pages, settings: Mapping[str, float], seed: int) -> xgb.Booster:
    # The binned pages end with this call, so before their folder does; XGBoost removes their files itself.
    return booster_of(xgb.ExtMemQuantileDMatrix(rows, nthread=THREADS), settings, seed)


def _with_new_trees(
    trained: Trained, fit: FitTrees, done: list[tuple[Formula, xgb.Booster]], about: tuple[int, float]
) -> Trained:
    if trained.candidate.booster_ is None:
        return trained
    trees = next(part for part in parts(trained.candidate.formula_) if part["kind"] == "trees")
    if not any(trees == known for known, _ in done):
        done.append((trees, fit(trees)))
    candidate = copy(trained.candidate)
    candidate.booster_ = next(booster for known, booster in done if trees == known)
    note = f"trees learned from all {about[0]:,} rows, the rest from the {trained.rows:,} of a sample of customers"
    return replace(trained, candidate=candidate, rows=about[0], churn_rate=about[1], notes=(*trained.notes, note))
