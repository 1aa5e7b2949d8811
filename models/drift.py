"""How far rows moved between two tables of features: the population stability index (Siddiqi 2006).

PSI = Σ (now − then) · ln(now / then) over bins of the earlier rows; below 0.1 little moved, above 0.25 much. Chance
alone moves few rows far (PSI is about a χ² over the number of rows: Yurdakul & Naranjo 2020), so beside an index stands
what 19 in 20 pairs of samples as large as the two, both drawn from the earlier rows, stay below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.btyd import Floats

BINS = 10
FLOOR = 1e-4  # an empty bin would make the index infinite
MUCH = 0.25
DRAWS, SEED, UNLIKELY = 200, 7, 0.95


@dataclass(frozen=True)
class Moved:
    """A stability index, and what it would hardly exceed had nothing but chance moved the rows."""

    index: float
    by_chance: float

    def exceeds(self, limit: float) -> bool:
        """Is it above the limit, and more than chance?"""
        return self.index > max(limit, self.by_chance)


def stability_index(then: Floats, now: Floats) -> float:
    """PSI of one feature over the earlier rows' deciles; empty values and values at an edge have bins of their own."""
    edges = _edges(then)
    return float(_index(_shares(then, edges), _shares(now, edges)))


def moved(then: Floats, now: Floats, customers: int | None = None) -> Moved:
    """The index of one feature beside what chance alone gives.

    Rows of one customer resemble each other, so the earlier rows are worth as many draws as `customers` they are of.
    """
    edges = _edges(then)
    before, after = _shares(then, edges), _shares(now, edges)
    if len(now) == 0 or len(then) == 0:
        return Moved(0.0, 0.0)
    draw = np.random.default_rng(SEED)
    first, second = (draw.multinomial(rows, before, size=DRAWS) / rows for rows in (customers or len(then), len(now)))
    return Moved(float(_index(before, after)), float(np.quantile(_index(first, second), UNLIKELY)))


def weighted(found: Mapping[str, Moved], weights: Mapping[str, float]) -> Moved:
    """The mean over features, each counting by its weight; nothing moved where no feature has any."""
    total = sum(weights[name] for name in found)
    if total <= 0:
        return Moved(0.0, 0.0)
    return Moved(
        sum(weights[name] * each.index for name, each in found.items()) / total,
        sum(weights[name] * each.by_chance for name, each in found.items()) / total,
    )


def _index(before: Floats, after: Floats) -> Floats:
    then, now = np.maximum(before, FLOOR), np.maximum(after, FLOOR)
    return np.asarray(((now - then) * np.log(now / then)).sum(axis=-1), dtype=np.float64)


def _edges(then: Floats) -> Floats:
    known = then[~np.isnan(then)]
    return np.unique(np.quantile(known, np.linspace(0.0, 1.0, BINS + 1)[1:-1])) if len(known) else np.empty(0)


def _shares(values: Floats, edges: Floats) -> Floats:
    # Left plus right tells below, at and above an edge apart: many features pile up on one value, such as zero.
    between = np.searchsorted(edges, values, side="left") + np.searchsorted(edges, values, side="right")
    counts = np.bincount(np.where(np.isnan(values), 2 * len(edges) + 1, between), minlength=2 * len(edges) + 2)
    return np.asarray(counts / max(len(values), 1), dtype=np.float64)
