"""Why a customer's log odds are what they are: exact shares of each feature, which add up to the model's log odds.

A share is measured from `base`, the log odds of nobody in particular: the intercept of a logistic model, the expected
value of the trees, the mean of the recency rule's curve, and for BG/NBD a customer of whom nothing is known yet. BG/NBD
looks at x, t_x and T together: inside another model it is one reason, `btyd_no_order`, whose value is its probability
of no order; a model that is BG/NBD alone is split by Shapley values (Shapley 1953) among what they tell a marketer:
x + 1 shopping days, T − t_x days of silence, T days of tenure.
Fading interest looks at more of them together, and is one reason of the same name, alone too.
NumPy only: whoever calls brings the function that explains the trees.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from models.btyd import Floats
from models.formulas import Formula, Rows, log_odds, probability, standardised
from models.plain import described, listed, number, numbers, places, texts

# Rows of the trees' columns → (rows, columns + 1): the share of each column, and last the trees' expected value.
ExplainTrees = Callable[[NDArray[np.float32]], Floats]
BTYD_REASON = "btyd_no_order"
BTYD_KINDS = ("bgnbd", "mbgnbd", "fading")
BTYD_FACTS = ("occasions_ever", "days_since_last_order", "tenure_days")  # the catalogue's names of the three
RAISES, LOWERS = "raises", "lowers"


@dataclass(frozen=True)
class Contributions:
    """`base` (n,) plus `shares` (n, features) is the log odds of churn; `values` (n, features) is what was seen."""

    features: tuple[str, ...]
    values: Floats
    shares: Floats
    base: Floats

    def calibrated(self, intercept: float, slope: float) -> Contributions:
        """The same for intercept + slope · log odds (models/calibration.py)."""
        return replace(self, shares=self.shares * slope, base=intercept + slope * self.base)


@dataclass(frozen=True)
class Reason:
    """One feature, its value (NaN: empty), and whether it raises or lowers the risk."""

    feature: str
    value: float
    direction: str


@dataclass(frozen=True)
class _Parts:
    base: Floats
    shares: Mapping[str, Floats]
    seen: Mapping[str, Floats]  # values of reasons that are no feature column

    def scaled(self, factor: float) -> _Parts:
        return replace(self, base=self.base * factor, shares={name: s * factor for name, s in self.shares.items()})

    def plus(self, other: _Parts) -> _Parts:
        shares = dict(self.shares)
        for name, share in other.shares.items():
            shares[name] = shares[name] + share if name in shares else share
        return _Parts(self.base + other.base, shares, {**self.seen, **other.seen})


def contributions(formula: Formula, rows: Rows, explain_trees: ExplainTrees | None = None) -> Contributions:
    """Shares of every feature the formula looks at, in the order first met."""
    alone = formula["kind"] in ("bgnbd", "mbgnbd")
    parts = _bgnbd_inputs(formula, rows) if alone else _SHARES[str(formula["kind"])](formula, rows, explain_trees)
    names = tuple(parts.shares)
    seen = [parts.seen[name] if name in parts.seen else rows.column(name) for name in names]
    empty = np.empty((len(rows.values), 0))
    return Contributions(
        names,
        np.column_stack(seen) if names else empty,
        np.column_stack([parts.shares[name] for name in names]) if names else empty,
        parts.base,
    )


def top_reasons(found: Contributions, families: Mapping[str, str], count: int) -> list[list[Reason]]:
    """For every row the `count` families of features that move it most, strongest first.

    Shares are summed by family, because features of one family say nearly the same and would fill the list or cancel;
    a family is named by the feature that moves most in the family's own direction. A model of fewer families than
    `count` speaks of single features instead.
    """
    if not found.features:
        return [[] for _ in found.base]
    family_of = np.array([families.get(name, name) for name in found.features], dtype=object)
    family_of = family_of if len(set(family_of)) >= count else np.array(found.features, dtype=object)
    names = sorted(set(family_of))
    sums = np.column_stack([found.shares[:, family_of == name].sum(axis=1) for name in names])
    order = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :count]
    speaker = np.column_stack([_speakers(found.shares, np.flatnonzero(family_of == name)) for name in names])
    return [
        [_reason(found, row, int(speaker[row, place]), float(sums[row, place])) for place in order[row]]
        for row in range(len(sums))
    ]


def _reason(found: Contributions, row: int, column: int, share: float) -> Reason:
    return Reason(found.features[column], float(found.values[row, column]), RAISES if share > 0 else LOWERS)


def _speakers(shares: Floats, columns: NDArray[np.intp]) -> NDArray[np.intp]:
    of_family = shares[:, columns]
    along = of_family * np.sign(of_family.sum(axis=1, keepdims=True))
    return np.asarray(columns[np.argmax(along, axis=1)], dtype=np.intp)


def _constant(formula: Formula, rows: Rows, _: ExplainTrees | None) -> _Parts:
    return _Parts(log_odds(formula, rows), {}, {})


def _recency_rule(formula: Formula, rows: Rows, _: ExplainTrees | None) -> _Parts:
    (column,) = texts(formula["columns"])
    base = np.full(len(rows.values), numbers(formula["log_odds"]).mean())
    return _Parts(base, {column: log_odds(formula, rows) - base}, {})


def _logistic(formula: Formula, rows: Rows, _: ExplainTrees | None) -> _Parts:
    columns = texts(formula["columns"])
    spread, missing = standardised(formula, rows)
    shares = spread * numbers(formula["weights"])
    flagged = places(formula["flagged"])
    shares[:, flagged] += missing[:, flagged] * numbers(formula["flag_weights"])
    base = np.full(len(rows.values), number(formula["intercept"]))
    return _Parts(base, dict(zip(columns, shares.T, strict=True)), {})


def _bgnbd(formula: Formula, rows: Rows, _: ExplainTrees | None) -> _Parts:
    columns = texts(formula["columns"])
    unknown = Rows.of(np.zeros((1, len(columns))), columns)
    base = np.full(len(rows.values), log_odds(formula, unknown)[0])
    logits = log_odds(formula, rows)
    return _Parts(base, {BTYD_REASON: logits - base}, {BTYD_REASON: probability(logits)})


def _bgnbd_inputs(formula: Formula, rows: Rows) -> _Parts:
    columns, facts = texts(formula["columns"]), btyd_facts(formula, rows)
    inputs = np.column_stack(list(facts.values())) - np.array([1.0, 0.0, 0.0])  # nobody known: x, silence and T are 0

    def known(some: Collection[int]) -> Floats:
        repeats, silence, tenure = (inputs[:, place] * (place in some) for place in range(len(columns)))
        T = np.maximum(tenure, silence)  # who has been silent for so long has been a customer for so long
        values = np.column_stack([repeats, T - silence, T])
        return log_odds(formula, Rows.of(values, columns))

    shares = dict.fromkeys(facts, np.zeros(len(inputs)))
    orders = list(permutations(range(len(facts))))
    for order in orders:
        for step, place in enumerate(order):
            change = known(order[: step + 1]) - known(order[:step])
            shares[BTYD_FACTS[place]] = shares[BTYD_FACTS[place]] + change / len(orders)
    return _Parts(known(()), shares, facts)


def btyd_facts(formula: Formula, rows: Rows) -> dict[str, Floats]:
    """Shopping days, days of silence and of tenure, from the x, t_x and T that BG/NBD looks at."""
    x, t_x, T = rows.columns(texts(formula["columns"])).T
    return dict(zip(BTYD_FACTS, (x + 1.0, T - t_x, T), strict=True))


def _trees(formula: Formula, rows: Rows, explain_trees: ExplainTrees | None) -> _Parts:
    if explain_trees is None:
        raise TypeError("this formula has trees, but nobody was given to explain them")
    base, columns = described(formula["base"]), texts(formula["columns"])
    shares = explain_trees(np.ascontiguousarray(rows.columns(columns), dtype=np.float32))
    trees = _Parts(shares[:, -1], dict(zip(columns, shares.T[:-1], strict=True)), {})
    return _SHARES[str(base["kind"])](base, rows, explain_trees).plus(trees)


def _mean(formula: Formula, rows: Rows, explain_trees: ExplainTrees | None) -> _Parts:
    parts = [described(part) for part in listed(formula["members"])]
    total = _Parts(np.zeros(len(rows.values)), {}, {})
    for part in parts:
        total = total.plus(_SHARES[str(part["kind"])](part, rows, explain_trees))
    return total.scaled(1.0 / len(parts))


_SHARES: dict[str, Callable[[Formula, Rows, ExplainTrees | None], _Parts]] = {
    "constant": _constant,
    "recency_rule": _recency_rule,
    "logistic": _logistic,
    "bgnbd": _bgnbd,
    "mbgnbd": _bgnbd,
    "fading": _bgnbd,
    "trees": _trees,
    "mean": _mean,
}
