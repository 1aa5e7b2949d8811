"""Two alarms against leaks: skill must vanish when labels are shuffled, and no score may be too good to be true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from features.errors import ModelError
from models.btyd import Floats
from models.candidate import Labels
from models.formulas import probability
from models.history import History, day, iso
from models.logistic import Logistic
from models.plain import Json

SHUFFLES = 5
ROWS = 6000
L2 = 300.0  # strong: a shuffled fit should know the churn rate and little else
MAX_SKILL = 0.03
FEWEST = 100  # rows of an origin: fewer say nothing about a skill of 0.03
PERFECT = 1 - 1e-9


@dataclass(frozen=True)
class ShuffledLabel:
    """What models that learned from shuffled labels still know about an origin: skill and AUC by shuffle."""

    origin: str
    skills: tuple[float, ...]
    aucs: tuple[float, ...]
    rows: int = FEWEST

    @property
    def skill(self) -> float:
        """Mean of 1 − log loss / log loss of the training churn rate."""
        return float(np.mean(self.skills))

    @property
    def auc(self) -> float:
        """Mean AUC; shown, not judged: a random direction agrees with the true one by chance, so it strays far."""
        return float(np.mean(self.aucs))

    def described(self) -> dict[str, Json]:
        """For reports/backtest.json."""
        holds = self.skill <= MAX_SKILL or self.rows < FEWEST
        return {
            "origin": self.origin,
            "mean_skill": self.skill,
            "max_skill": MAX_SKILL,
            "mean_auc": self.auc,
            "holds": holds,
        }

    def require(self) -> None:
        """Raise ModelError when skill survived the shuffling."""
        if self.skill > MAX_SKILL and self.rows >= FEWEST:
            raise ModelError(
                f"models that learned from shuffled labels still have a skill of {self.skill:.3f} "
                f"at origin {self.origin} (at most {MAX_SKILL} is chance): rows of the origin reached the training. "
                "Check the cutoffs of the history."
            )


def shuffled_label(training: History, origin: History, seed: int) -> ShuffledLabel:
    """Fit a cheap model on shuffled labels, several times, and score the origin."""
    draw = np.random.default_rng(seed)
    skills, aucs = [], []
    for _ in range(SHUFFLES):
        sample = training.where(_some(len(training), draw))
        shuffled = draw.permutation(sample.churned)
        scores = Logistic(L2).fit(sample.features, shuffled).churn_log_odds(origin.features)
        base = np.full(len(origin), shuffled.mean())
        skills.append(float(1 - log_loss(origin.churned, probability(scores)) / log_loss(origin.churned, base)))
        aucs.append(float(roc_auc_score(origin.churned, scores)))
    return ShuffledLabel(iso(origin.cutoffs[0]), tuple(skills), tuple(aucs), len(origin))


def chance_above(ceiling: float, churned: int, kept: int) -> float:
    """An AUC that so few customers hardly exceed by chance: 2 standard errors of Hanley & McNeil (1982) more.

    A perfect order of `FEWEST` customers or more is never chance.
    """
    q1, q2, square = ceiling / (2 - ceiling), 2 * ceiling**2 / (1 + ceiling), ceiling**2
    spread = ceiling * (1 - ceiling) + (churned - 1) * (q1 - square) + (kept - 1) * (q2 - square)
    bound = ceiling + 2 * float(np.sqrt(spread / (churned * kept)))
    return bound if churned + kept < FEWEST else min(bound, PERFECT)


def refuse_too_good(auc: dict[str, list[float]], origins: list[History], ceiling: float) -> None:
    """Raise ModelError when an AUC exceeds the ceiling, naming the columns that could be the leak."""
    name, place = max(
        ((name, place) for name in auc for place in range(len(auc[name]))), key=lambda at: auc[at[0]][at[1]]
    )
    churned = int(origins[place].churned.sum())
    if auc[name][place] > chance_above(ceiling, churned, len(origins[place]) - churned):
        raise ModelError(
            f"{name} reaches AUC {auc[name][place]:.4f} at origin {day(origins[place].cutoffs[0])}, "
            f"above train.auc_ceiling {ceiling}: "
            f"too good to be true. Strongest single columns: {_strongest(origins[place])}. "
            "Look there for something known only after the cutoff; "
            "raise train.auc_ceiling only if the shop really is that predictable."
        )


def _strongest(origin: History, count: int = 3) -> str:
    filled = origin.features.fillna(origin.features.median()).fillna(0.0)
    alone = pd.Series({name: _alone(filled[name].to_numpy(np.float64), origin.churned) for name in filled.columns})
    return ", ".join(f"{name} (AUC {value:.3f})" for name, value in alone.nlargest(count).items())


def _alone(values: Floats, churned: Labels) -> float:
    auc = float(roc_auc_score(churned, values))
    return max(auc, 1 - auc)


def _some(rows: int, draw: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    chosen = np.zeros(rows, dtype=bool)
    chosen[draw.permutation(rows)[:ROWS]] = True
    return chosen
