"""The candidates by name, built from plain settings."""

from __future__ import annotations

from collections.abc import Mapping

from features.errors import ConfigError
from models.bgnbd import BgNbdChurn
from models.blend import Blend
from models.boosting import Boosting, BoostingOnBtyd
from models.candidate import Candidate
from models.fading_fit import BoostingOnFading
from models.levelled_blend import LevelledBlend
from models.logistic import Logistic
from models.mbgnbd import MbgNbdChurn
from models.recency_rule import RecencyRule


def candidates(
    names: list[str],
    horizon_days: int,
    seed: int,
    l2: float,
    trees: Mapping[str, float],
    own_trees: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Candidate]:
    """Unfitted candidates in the order asked for; ConfigError on an unknown name.

    `trees`: settings as train.xgboost; `own_trees`: by name, of the candidates that have others.
    """
    process, own = BgNbdChurn(horizon_days), own_trees or {}
    views: list[Candidate] = [process, Logistic(l2), Boosting(trees, seed)]
    known: dict[str, Candidate] = {
        "recency_rule": RecencyRule(),
        "logistic": Logistic(l2),
        "bgnbd": process,
        "mbgnbd": MbgNbdChurn(horizon_days),
        "xgboost": Boosting(trees, seed),
        "xgboost_deep": Boosting(own.get("xgboost_deep", trees), seed),
        "xgboost_btyd": BoostingOnBtyd(trees, seed, horizon_days),
        "xgboost_fading": BoostingOnFading(own.get("xgboost_fading", trees), seed, horizon_days),
        "blend": Blend(views),
        "blend_levelled": LevelledBlend(views),
    }
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"train.candidates: {unknown[0]} is not known; choose from {', '.join(known)}.")
    return {name: known[name] for name in names}
