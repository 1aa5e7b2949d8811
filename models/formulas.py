"""A fitted candidate as plain data: a tree of JSON objects with a `kind`, evaluated to log odds of churn.

NumPy only; the fitted estimators and the Scorer evaluate the same formulas, so their answers differ only by who runs
the trees. Kinds: constant, recency_rule, logistic, bgnbd, mbgnbd, fading, trees (base formula + boosted trees), mean
(of members' log odds).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.errors import ModelError
from models import fading
from models.btyd import BgNbd, Floats, MbgNbd, no_order_log_odds
from models.fading_rows import lives_of, signs_in
from models.plain import Json, described, listed, number, numbers, places, texts

Formula: TypeAlias = dict[str, Json]
RunTrees: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Rows:
    """Feature values by row, the place of each column, and who runs the trees (float32 rows → sum of leaves)."""

    values: Floats
    index: Mapping[str, int]
    run_trees: RunTrees | None = None

    @classmethod
    def of(cls, values: Floats, names: Sequence[str], run_trees: RunTrees | None = None) -> Self:
        """Rows whose columns have these names, in order."""
        return cls(values, {name: place for place, name in enumerate(names)}, run_trees)

    def column(self, name: str) -> Floats:
        """One column; KeyError is a bug: the artifact's columns are checked when it is loaded."""
        return self.values[:, self.index[name]]

    def columns(self, names: list[str]) -> Floats:
        """Some columns, in the order asked for; no copy when that is all of them as they stand."""
        places = [self.index[name] for name in names]
        return self.values if places == list(range(self.values.shape[1])) else self.values[:, places]


def log_odds(formula: Formula, rows: Rows) -> Floats:
    """Log odds of churn of every row."""
    kind = str(formula.get("kind"))
    if kind not in _KINDS:
        raise ModelError(f"this code does not know formulas of kind {kind}; it knows {', '.join(_KINDS)}.")
    return _KINDS[kind](formula, rows)


def probability(logits: Floats) -> Floats:
    """Log odds to probability, without overflow."""
    return np.exp(-np.logaddexp(0.0, -logits))


def required_columns(formula: Formula) -> set[str]:
    """Every column the formula looks at."""
    return {name for part in parts(formula) for name in texts(part.get("columns", []))}


def parts(formula: Formula) -> Iterator[Formula]:
    """The formula and all formulas inside it."""
    yield formula
    inner = [formula["base"]] if "base" in formula else listed(formula.get("members", []))
    for part in inner:
        yield from parts(described(part))


def has_trees(formula: Formula) -> bool:
    """Does some part need the boosted trees?"""
    return any(part["kind"] == "trees" for part in parts(formula))


def signed_log(values: Floats) -> Floats:
    """sign(v)·log(1 + |v|): tames heavy tails of counts, money and ages without losing the sign of a trend."""
    return np.sign(values) * np.log1p(np.abs(values))


def standardised(formula: Formula, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
    """The logistic's inputs, filled and scaled, and which were missing; never outside the range seen in training."""
    logged = signed_log(rows.columns(texts(formula["columns"])))
    missing = np.isnan(logged)
    filled = np.where(missing, numbers(formula["medians"]), logged)
    spread = (filled - numbers(formula["means"])) / numbers(formula["scales"])
    return np.clip(spread, numbers(formula["lows"]), numbers(formula["highs"])), missing


def _constant(formula: Formula, rows: Rows) -> Floats:
    return np.full(len(rows.values), number(formula["log_odds"]))


def _recency_rule(formula: Formula, rows: Rows) -> Floats:
    (column,) = texts(formula["columns"])
    return np.interp(rows.column(column), numbers(formula["days"]), numbers(formula["log_odds"]))


def _logistic(formula: Formula, rows: Rows) -> Floats:
    spread, missing = standardised(formula, rows)
    flagged = missing[:, places(formula["flagged"])]
    weighted = spread @ numbers(formula["weights"]) + flagged @ numbers(formula["flag_weights"])
    return np.asarray(weighted + number(formula["intercept"]), dtype=np.float64)


def _bgnbd(formula: Formula, rows: Rows) -> Floats:
    known = MbgNbd if formula["kind"] == "mbgnbd" else BgNbd
    model = known(*(number(formula[name]) for name in ("r", "alpha", "a", "b")))
    x, t_x, T = (rows.column(name) for name in texts(formula["columns"]))
    return no_order_log_odds(model, x, t_x, T, number(formula["horizon_days"]))


def _fading(formula: Formula, rows: Rows) -> Floats:
    columns = tuple(texts(formula["columns"]))
    signs = tuple(fading.Sign(*numbers(formula[sign])) for sign in signs_in(columns))
    stay, scale, fade, r, alpha = (number(formula[name]) for name in ("stay", "scale", "fade", "r", "alpha"))
    model = fading.Fading(stay, scale, fade, r, alpha, signs)
    return fading.no_order_log_odds(model, lives_of(columns, rows.column), number(formula["horizon_days"]))


def _trees(formula: Formula, rows: Rows) -> Floats:
    if rows.run_trees is None:
        raise ModelError("this formula has trees, but nobody was given to run them; fit or load the model first.")
    chosen = np.ascontiguousarray(rows.columns(texts(formula["columns"])), dtype=np.float32)
    return log_odds(described(formula["base"]), rows) + rows.run_trees(chosen).astype(np.float64)


def _mean(formula: Formula, rows: Rows) -> Floats:
    members = [log_odds(described(part), rows) for part in listed(formula["members"])]
    return np.asarray(np.mean(members, axis=0), dtype=np.float64)


_KINDS: dict[str, Callable[[Formula, Rows], Floats]] = {
    "constant": _constant,
    "recency_rule": _recency_rule,
    "logistic": _logistic,
    "bgnbd": _bgnbd,
    "mbgnbd": _bgnbd,
    "fading": _fading,
    "trees": _trees,
    "mean": _mean,
}
