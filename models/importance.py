"""How much a model leans on a column: the rise in log loss when the column's values are dealt anew among customers.

Measured on rows the model never saw (Breiman 2001; Fisher, Rudin & Dominici 2019). Columns that say nearly the same
stand in for each other, so a family is also dealt as one. A column that is the same for everyone at a cutoff, as the
season is, cannot be dealt anew: its rise is 0 whatever it is worth across cutoffs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.intervals import Bootstrap, Interval
from models.metrics import TINY, Floats

MOST_ROWS = 2_000
Score = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Rows:
    """Rows to measure on: `values` (n, columns), who they are and what became of them."""

    values: Floats
    churned: NDArray[np.int8]
    customer_ids: NDArray[np.object_]

    def thinned(self, most: int = MOST_ROWS) -> Rows:
        """At most so many rows, evenly spread."""
        if len(self.values) <= most:
            return self
        kept = np.linspace(0, len(self.values) - 1, most).astype(np.int64)
        return Rows(self.values[kept], self.churned[kept], self.customer_ids[kept])


def importance(
    score: Score, rows: Rows, groups: Mapping[str, Sequence[int]], bootstrap: Bootstrap
) -> dict[str, Interval]:
    """The rise in mean log loss for each group of columns (places in `values`), with its interval by customer."""
    before = loss(score(rows.values), rows.churned)
    deal = np.random.default_rng(bootstrap.seed).permutation(len(rows.values))

    def rise(columns: Sequence[int]) -> Floats:
        dealt = rows.values.copy()
        dealt[:, columns] = rows.values[deal][:, columns]
        return loss(score(dealt), rows.churned) - before

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rises = np.column_stack(list(pool.map(rise, groups.values())))
    draws = [chunk @ rises / chunk.sum(axis=1, keepdims=True) for chunk in bootstrap.weights(rows.customer_ids)]
    means, resampled = rises.mean(axis=0), np.concatenate(draws)
    return {name: bootstrap.interval(float(means[place]), resampled[:, place]) for place, name in enumerate(groups)}


def loss(probability: Floats, churned: NDArray[np.generic]) -> Floats:
    """Log loss of each row."""
    said = np.where(churned.astype(bool), probability, 1.0 - probability)
    return np.asarray(-np.log(np.maximum(said, TINY)))
