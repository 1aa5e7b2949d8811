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
    names: list[str], horizon_days: int, seed: int, l2: float, *trees: Mapping[str, float]
) -> dict[str, Candidate]:
    """Unfitted candidates in the order asked for; ConfigError on an unknown name.

    `trees`: settings as train.xgboost, then xgboost_deep and xgboost_fading; the last given serves those after it.
    """
    process, boosting = BgNbdChurn(horizon_days), trees[0]
    deep, small = trees[min(1, len(trees) - 1)], trees[-1]
    views: list[Candidate] = [process, Logistic(l2), Boosting(boosting, seed)]
    known: dict[str, Candidate] = {
        "recency_rule": RecencyRule(),
        "logistic": Logistic(l2),
        "bgnbd": process,
        "mbgnbd": MbgNbdChurn(horizon_days),
        "xgboost": Boosting(boosting, seed),
        "xgboost_deep": Boosting(deep, seed),
        "xgboost_btyd": BoostingOnBtyd(boosting, seed, horizon_days),
        "xgboost_fading": BoostingOnFading(small, seed, horizon_days),
        "blend": Blend(views),
        "blend_levelled": LevelledBlend(views),
    }
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"train.candidates: {unknown[0]} is not known; choose from {', '.join(known)}.")
    return {name: known[name] for name in names}
