"""Choice by rolling-origin backtest: every candidate learns what was known at each origin, and is scored on the origin.

An origin is a cutoff before the test cutoff whose label window ends by it; the test cutoff itself is never looked at.
A handful of origins share seasons and customers, so a mean over them is a weak proof. What has no taste in it is the
default: the mean of several views (models/blend.py), not calibrated; a single method, or a calibration, must beat it
at every origin. A calibration carries the level of one season to the next, so origins of one season cannot speak for
it: Online Retail II, 90 days: it paid at all of April to June, and tripled the calibration error in September. And
once a year of labels is known, an origin that knew less says nothing of what they teach: it does not speak against the
blend.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score

from models.btyd import Floats
from models.candidate import Candidate
from models.formulas import probability
from models.history import History, is_young, iso
from models.plain import Json
from models.promise import Promise
from models.training import fit_all

FOLDS = 3
DEFAULT = "blend"
SEASONS_DAYS = 300.0  # from the first origin to the last, for a calibration to be judged


@dataclass(frozen=True)
class Split:
    """What may be learned from, and the rows to score."""

    training: History
    scored: History
    speaks: bool = True  # against the blend


@dataclass(frozen=True)
class Backtest:
    """Log loss and AUC of every candidate on every split; `base_log_loss` is that of the split's own churn rate.

    `log_loss` is that of the way in use: calibrated for the names in `calibrated`, else as fitted; `promises` are what
    it expected of the latest origin.
    """

    method: str
    origins: tuple[str, ...]
    base_log_loss: tuple[float, ...]
    log_loss: dict[str, list[float]]
    roc_auc: dict[str, list[float]]
    notes: tuple[str, ...]
    calibrated: frozenset[str] = frozenset()
    speaking: tuple[bool, ...] | None = None
    promises: Mapping[str, Promise] = field(default_factory=dict)

    @property
    def chosen(self) -> str:
        """The least mean log loss of those that beat the blend at every origin that speaks; without a blend, of all.

        The blend where nobody does, or no origin speaks.
        """
        rivals = list(self.log_loss)
        if DEFAULT in rivals:
            rivals = [name for name in rivals if self._beats_default(name)] or [DEFAULT]
        return min(rivals, key=lambda name: float(np.mean(self.log_loss[name])))

    def _beats_default(self, name: str) -> bool:
        speaking = self.speaking or (True,) * len(self.origins)
        pairs = zip(self.log_loss[name], self.log_loss[DEFAULT], speaking, strict=True)
        return any(speaking) and all(this < that for this, that, speaks in pairs if speaks)

    def described(self) -> dict[str, Json]:
        """For reports/backtest.json; regret = mean over the splits of (own log loss − the split's best)."""
        best = np.min(list(self.log_loss.values()), axis=0)
        candidates: dict[str, Json] = {
            name: {
                "log_loss": list(losses),
                "roc_auc": list(self.roc_auc[name]),
                "mean_log_loss": float(np.mean(losses)),
                "regret": float(np.mean(losses - best)),
                "calibrated": name in self.calibrated,
                "latest_churn_rate": self.promises[name].described() if name in self.promises else None,
                "skill": float(1 - np.mean(losses) / np.mean(self.base_log_loss)),
            }
            for name, losses in self.log_loss.items()
        }
        return {
            "method": self.method,
            "origins": list(self.origins),
            "base_log_loss": list(self.base_log_loss),
            "candidates": candidates,
            "chosen": self.chosen,
            "notes": [*self.notes, *self.warnings],
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """That the latest closed horizon before the test cutoff did not keep the promise of the chosen one."""
        promise = self.promises.get(self.chosen)
        return () if promise is None or promise.holds else (promise.warning(self.chosen, self.origins[-1]),)


def backtest(
    candidates: Mapping[str, Candidate],
    splits: list[Split],
    how: tuple[str, tuple[str, ...]],
    say: Callable[[str], None],
) -> Backtest:
    """Fit and score every candidate on every split; `how`: method and notes, as `splits_of` says them."""
    plain: dict[str, list[float]] = {name: [] for name in candidates}
    calibrated: dict[str, list[float]] = {name: [] for name in candidates}
    aucs: dict[str, list[float]] = {name: [] for name in candidates}
    ways: dict[str, tuple[Floats, Floats]] = {}
    judged = candidates if _days(splits) >= SEASONS_DAYS else {}
    for split in splits:
        churned, at = split.scored.churned, iso(split.scored.cutoffs[0])
        for name, trained in fit_all(candidates, split.training, split.scored.features, judged).items():
            scores = trained.candidate.churn_log_odds(split.scored.features)
            ways[name] = probability(scores), probability(trained.calibration.log_odds(scores))
            plain[name].append(float(log_loss(churned, ways[name][0])))
            calibrated[name].append(float(log_loss(churned, ways[name][1])))
            aucs[name].append(float(roc_auc_score(churned, scores)))
        best = min(plain, key=lambda name: plain[name][-1])
        say(f"origin {at[:10]}: {len(split.training):,} rows to learn from, {len(churned):,} to score; best {best}")
    pays = frozenset(name for name in candidates if always_less(calibrated[name], plain[name]))
    losses = {name: (calibrated if name in pays else plain)[name] for name in candidates}
    promises = {name: Promise.of(way[name in pays], splits[-1].scored.churned) for name, way in ways.items()}
    origins = tuple(iso(split.scored.cutoffs[0]) for split in splits)
    speaking = tuple(split.speaks for split in splits)
    notes = (*how[1], *_said(splits))
    return Backtest(how[0], origins, _base(splits), losses, aucs, notes, pays, speaking, promises)


def loss_of(recipe: Candidate, split: Split) -> float:
    """Log loss of one recipe on one split, not calibrated."""
    trained = fit_all({DEFAULT: recipe}, split.training, split.scored.features)[DEFAULT]
    return float(log_loss(split.scored.churned, trained.churn_probability(split.scored.features)))


def _days(splits: list[Split]) -> float:
    first, last = (splits[place].scored.cutoffs[0] for place in (0, -1))
    return float((last - first) / np.timedelta64(1, "D"))


def _said(splits: list[Split]) -> tuple[str, ...]:
    days = _days(splits)
    unjudged = f"not calibrated: {days:.0f} days of origins hold too few seasons to say whether that pays"
    silent = sum(not split.speaks for split in splits)
    unheard = f"{silent} of {len(splits)} origins knew less than a year of labels: they do not speak against the blend"
    return ((unheard,) if silent else ()) + (() if days >= SEASONS_DAYS else (unjudged,))


def always_less(these: list[float], those: list[float]) -> bool:
    """Is every loss below its counterpart?"""
    return all(this < that for this, that in zip(these, those, strict=True))


def splits_of(history: History, count: int) -> tuple[list[Split], tuple[str, tuple[str, ...]]]:
    """Rolling origins; with a log too short for one, folds of customers at the training cutoffs."""
    rolling = [_split(history, origin) for origin in history.origins(count)]
    usable = [split for split in rolling if _both(split.training) and _both(split.scored)]
    notes = (
        [f"{len(rolling) - len(usable)} origin(s) left out: only one class of label"]
        if len(usable) < len(rolling)
        else []
    )
    if usable:
        if len(usable) < count:
            notes.append(f"{len(usable)} of {count} origins: the log is too short for more")
        return usable, ("rolling origins", tuple(notes))
    notes.append(f"no rolling origin: the log is too short; {FOLDS} folds of customers at the training cutoffs instead")
    folds = _folds(history.at(history.closed_by(history.moments()[-1])))
    return [split for split in folds if _both(split.training) and _both(split.scored)], ("customer folds", tuple(notes))


def _split(history: History, origin: np.datetime64) -> Split:
    known, all_known = (np.array(history.closed_by(moment)) for moment in (origin, history.moments()[-1]))
    return Split(history.at(list(known)), history.at([origin]), is_young(all_known) or not is_young(known))


def _folds(allowed: History) -> Iterator[Split]:
    fold = np.array([zlib.crc32(str(customer).encode()) % FOLDS for customer in allowed.customers])
    latest = allowed.cutoffs == allowed.cutoffs.max()
    for number in range(FOLDS):
        yield Split(allowed.where(fold != number), allowed.where((fold == number) & latest))


def _both(rows: History) -> bool:
    return 0 < int(rows.churned.sum()) < len(rows)


def _base(splits: list[Split]) -> tuple[float, ...]:
    rates: NDArray[np.float64] = np.array([split.scored.churned.mean() for split in splits])
    return tuple((-rates * np.log(rates) - (1 - rates) * np.log1p(-rates)).tolist())
