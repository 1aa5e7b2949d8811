"""Part `calibration`: does it pay to calibrate on the latest closed horizon, as a whole or by segment of customers?

The blend is fitted at every origin as it was known then. Its promises at the latest origin whose horizon was closed
teach the calibration of the next one: an intercept and a slope, for everybody or for each of six segments: one order,
2-3 and 4 or more occasions, first seen within the last year or before. Online Retail II, the settings of `settings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from benchmarks.model_parts.judge import Bench, Line, featurized, made
from benchmarks.model_parts.settings import SETTINGS, source
from features.errors import SourceError
from models.btyd import Floats
from models.calibration import fitted_calibration
from models.candidate import Candidate
from models.formulas import probability
from models.history import History, iso
from models.training import fit_all
from pipeline.train import recipes_of

ORIGINS, QUICK_ORIGINS = 6, 2
FEWEST = 100  # customers of a segment, to be calibrated by itself


@dataclass(frozen=True)
class Origin:
    """Log odds said at a cutoff by a model of what was known then, what happened, and everybody's segment."""

    at: np.datetime64
    scores: Floats
    scored: History

    @property
    def segments(self) -> NDArray[np.int64]:
        """Orders (one, 2-3, 4 or more occasions) by age (a year or less, more)."""
        repeats, age = (self.scored.features[name].to_numpy() for name in ("btyd_x", "btyd_T"))
        return np.asarray(np.digitize(repeats, [1, 3]) * 2 + (age > 365))

    def loss(self, scores: Floats) -> float:
        """Mean log loss of other scores for the same customers."""
        return float(log_loss(self.scored.churned, probability(scores)))


def lines(bench: Bench) -> Iterator[Line]:
    """One line for every origin that had a closed one before it."""
    try:
        pulled = source(bench.params)
    except SourceError as error:
        yield {"name": "calibration", "skipped": str(error)}
        return
    with made(pulled, bench.params) as params:
        for setting in SETTINGS[2:3] if bench.quick else SETTINGS:
            asked = {name: getattr(setting, name) for name in ("horizon_days", "active_days", "test_cutoff")}
            history = featurized(params, **asked)
            recipe = recipes_of(params.train, history.horizon_days, ["blend"])["blend"]
            wanted = [*history.origins(QUICK_ORIGINS if bench.quick else ORIGINS), history.moments()[-1]]
            origins = {moment: _origin(recipe, history, moment) for moment in wanted}
            for later in wanted:
                closed = [moment for moment in history.closed_by(later) if moment in origins]
                if closed:
                    yield _line(f"calibration {setting.name}", origins[closed[-1]], origins[later])


def _origin(recipe: Candidate, history: History, moment: np.datetime64) -> Origin:
    scored = history.at([moment])
    trained = fit_all({"blend": recipe}, history.at(history.closed_by(moment)), scored.features)["blend"]
    return Origin(moment, trained.churn_log_odds(scored.features), scored)


def _line(name: str, earlier: Origin, later: Origin) -> Line:
    as_it_is = later.loss(later.scores)
    whole = later.loss(fitted_calibration(earlier.scores, earlier.scored.churned).log_odds(later.scores))
    parts = later.loss(_by_segment(earlier, later))
    return {
        "name": name,
        "ours": round(as_it_is, 4),
        "peer": "calibrated by segment on the closed origin",
        "theirs": round(parts, 4),
        "unit": "log loss",
        "ratio": round(parts / as_it_is, 4),
        "target": None,
        "holds": None,
        "calibrated_as_a_whole": round(whole, 4),
        "calibrated_on": iso(earlier.at)[:10],
        "origin": iso(later.at)[:10],
        "customers": len(later.scores),
    }


def _by_segment(earlier: Origin, later: Origin) -> Floats:
    scores = fitted_calibration(earlier.scores, earlier.scored.churned).log_odds(later.scores)
    for segment in np.unique(later.segments):
        before, now = earlier.segments == segment, later.segments == segment
        if before.sum() >= FEWEST:
            own = fitted_calibration(earlier.scores[before], earlier.scored.churned[before])
            scores[now] = own.log_odds(later.scores[now])
    return scores
