"""How far rows moved between two tables of features: the population stability index (Siddiqi 2006).

PSI = Σ (now − then) · ln(now / then) over bins of the earlier rows; below 0.1 little moved, above 0.25 much.
"""

from __future__ import annotations

import numpy as np

from models.btyd import Floats

BINS = 10
FLOOR = 1e-4  # an empty bin would make the index infinite
MUCH = 0.25


def stability_index(then: Floats, now: Floats) -> float:
    """PSI of one feature over the earlier rows' deciles; empty values and values at an edge have bins of their own."""
    known = then[~np.isnan(then)]
    edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, BINS + 1)[1:-1])) if len(known) else np.empty(0)
    before, after = (np.maximum(_shares(values, edges), FLOOR) for values in (then, now))
    return float(((after - before) * np.log(after / before)).sum())


def _shares(values: Floats, edges: Floats) -> Floats:
    # Left plus right tells below, at and above an edge apart: many features pile up on one value, such as zero.
    between = np.searchsorted(edges, values, side="left") + np.searchsorted(edges, values, side="right")
    counts = np.bincount(np.where(np.isnan(values), 2 * len(edges) + 1, between), minlength=2 * len(edges) + 2)
    return np.asarray(counts / max(len(values), 1), dtype=np.float64)
