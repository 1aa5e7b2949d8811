"""Predictions against what happened, at cutoffs whose horizon is over and whose labels the model never saw.

The features of a past cutoff are what was known then and a model is its file, so what a model in force would have said
is computed again, to the bit, instead of being remembered: a fresh clone gives the same figures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from models.expected import expected_metrics, measured_metrics
from models.intervals import Bootstrap, Interval
from models.metrics import Floats
from models.scorer import Scorer
from pipeline.evaluate import feature_values
from pipeline.gate import saw_labels_until
from pipeline.watching.today import cutoffs_of

MOST_CUTOFFS = 12  # the latest
CHANCE = Bootstrap(resamples=200, seed=7, share=0.95)
DIGITS = 6
IN_FORCE, EVALUATED, NONE = "in force", "before it saw its test", "none"
Tree = dict[str, object]


def outcomes(scorer: Scorer, history: Path, predictions: Path, evaluated_version: str | None) -> Tree:
    """Per cutoff, what was promised and what was measured; `state` says by which state of the model."""
    own = unseen_cutoffs(scorer, history)
    if own:
        told = f"Horizons closed since the last label that {scorer.model_version} learned from: {len(own)}"
        return {"state": IN_FORCE, "told": told, "cutoffs": own}
    none = f"No horizon has closed since {scorer.model_version} was trained"
    if evaluated_version != scorer.model_version or not predictions.exists():
        return {"state": NONE, "told": f"{none}, and its test rows are not those of this run", "cutoffs": []}
    rows = pd.read_parquet(predictions, columns=["cutoff", "churned", "churn_probability"])
    told = f"{none}; this is the same recipe as it was before it saw the outcomes of the test cutoff"
    return {"state": EVALUATED, "told": told, "cutoffs": [_closed(rows, rows["churn_probability"].to_numpy())]}


def unseen_cutoffs(scorer: Scorer, history: Path) -> list[Tree]:
    """The model's promises at every closed cutoff from the end of the last label window it learned from."""
    known_until = saw_labels_until(scorer).tz_convert(None).to_datetime64()
    cutoffs = cutoffs_of(history)
    later = np.unique(cutoffs[cutoffs >= known_until])[-MOST_CUTOFFS:]
    columns = ["cutoff", "churned", *scorer.feature_columns]
    found = []
    for cutoff in later:
        rows = pd.read_parquet(history, columns=columns, filters=[("cutoff", "==", _utc(cutoff))])
        found.append(_closed(rows, scorer.churn_probability(feature_values(scorer, rows))))
    return found


def _utc(moment: np.datetime64) -> pd.Timestamp:
    return pd.Timestamp(moment).tz_localize("UTC")


def promised(probability: Floats) -> Tree:
    """Every metric as it should turn out, with the range that chance leaves it."""
    return {name: _edges(each) for name, each in expected_metrics(probability, CHANCE).items()}


def _closed(rows: pd.DataFrame, probability: Floats) -> Tree:
    measured = measured_metrics(rows["churned"].to_numpy(np.int8), probability)
    return {
        "cutoff": pd.Timestamp(rows["cutoff"].iloc[0]).isoformat(),
        "customers": len(rows),
        "metrics": {
            name: {"measured": _known(measured[name]), **_edges(each)}
            for name, each in expected_metrics(probability, CHANCE).items()
        },
    }


def _edges(expected: Interval) -> Tree:
    return {"expected": _known(expected.value), "low": _known(expected.low), "high": _known(expected.high)}


def _known(value: float) -> float | None:
    return round(value, DIGITS) if np.isfinite(value) else None
