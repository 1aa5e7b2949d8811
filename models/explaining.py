"""Reasons of rows by a loaded model: its formula, its calibration, and XGBoost's own exact shares of its trees."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from models.btyd import Floats
from models.plain import described, number
from models.reasons import Contributions, ExplainTrees, Reason, contributions, top_reasons
from models.scorer import Scorer


def explained(
    scorer: Scorer, explain: ExplainTrees | None, values: Floats, families: Mapping[str, str], count: int
) -> list[list[Reason]]:
    """The strongest reasons of every row, exact in the log odds of the calibrated model; each row on its own."""
    return top_reasons(exact_shares(scorer, explain, values), families, count)


def exact_shares(scorer: Scorer, explain: ExplainTrees | None, values: Floats) -> Contributions:
    """What each feature adds to every row's calibrated log odds; base and shares are `Scorer.churn_log_odds`."""
    calibration = described(scorer.about["calibration"])
    found = contributions(scorer.formula, scorer.rows(values), explain)
    return found.calibrated(number(calibration["intercept"]), number(calibration["slope"]))


def tree_explainer(trees: bytes, threads: int = 0) -> ExplainTrees:
    """Exact contributions (TreeSHAP, Lundberg 2020) of trees in UBJ; 0 threads: as many as there are cores."""
    booster = xgb.Booster({"nthread": threads} if threads else {}, model_file=bytearray(trees))

    def explain(rows: NDArray[np.float32]) -> Floats:
        if len(rows) == 0:  # XGBoost answers with an array of another shape
            return np.empty((0, rows.shape[1] + 1))
        shares = booster.predict(xgb.DMatrix(rows), pred_contribs=True, validate_features=False)
        return np.asarray(shares, dtype=np.float64)

    return explain


def as_records(reasons: list[list[Reason]]) -> list[list[dict[str, object]]]:
    """Reasons as plain records, an empty value as None."""
    return [[_record(reason) for reason in row] for row in reasons]


def _record(reason: Reason) -> dict[str, object]:
    value = None if np.isnan(reason.value) else reason.value
    return {"feature": reason.feature, "value": value, "direction": reason.direction}
