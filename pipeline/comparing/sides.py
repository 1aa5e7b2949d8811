"""A run as the comparison sees it, and the test rows that two runs share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.metrics import Floats

Tree = Mapping[str, object]
KEYS = ["customer_id", "cutoff"]
REVENUE = "revenue_if_kept"
LEAST = 30  # fewer common customers than this prove nothing
QUESTION = {"snapshots.horizon_days": "horizon", "snapshots.active_days": "activity window"}


@dataclass(frozen=True)
class Side:
    """One run: who it is, what it was told, what it said of its test rows, and facts of its data."""

    letter: str
    name: str
    run_id: str
    started: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    rows: pd.DataFrame
    facts: Tree = field(default_factory=dict)
    steps: Mapping[str, Mapping[int, float]] = field(default_factory=dict)

    def told(self) -> dict[str, object]:
        """For the page."""
        return {
            "letter": self.letter,
            "name": self.name,
            "run": self.run_id,
            "short": self.run_id[:8],
            "started": self.started,
            "version": self.tags.get("model_version", "unknown"),
            "chosen": self.tags.get("chosen", "unknown"),
        }


@dataclass(frozen=True)
class Shared:
    """The test rows of both: who, what happened, and each side's probabilities and rows in the same order."""

    customer_ids: NDArray[np.object_]
    churned: NDArray[np.int8]
    first: pd.DataFrame
    second: pd.DataFrame

    @property
    def probabilities(self) -> tuple[Floats, Floats]:
        """Of the first and of the second."""
        sides = (self.first, self.second)
        first, second = (side["churn_probability"].to_numpy(np.float64) for side in sides)
        return first, second

    @property
    def revenues(self) -> tuple[Floats, Floats] | None:
        """Expected revenue if kept, of the first and of the second; None where one of them kept none."""
        sides = (self.first, self.second)
        if not all(REVENUE in side.columns for side in sides):
            return None
        first, second = (side[REVENUE].to_numpy(np.float64) for side in sides)
        return first, second


def shared(first: Side, second: Side) -> tuple[Shared | None, dict[str, object]]:
    """The common rows with the same outcome, or None; and what is to be said about them, in any case."""
    merged = first.rows[[*KEYS, "churned"]].merge(
        second.rows[[*KEYS, "churned"]], on=KEYS, suffixes=("_a", "_b"), validate="1:1"
    )
    same = merged[merged["churned_a"] == merged["churned_b"]].sort_values(KEYS)[KEYS]
    sizes = {"a": len(first.rows), "b": len(second.rows), "common": len(same), "disagree": len(merged) - len(same)}
    against = _against(first, second, merged, same)
    said: dict[str, object] = {**sizes, "notes": _notes(sizes, first, second), "against": against}
    if against:
        return None, said
    sides = [same.merge(side.rows, on=KEYS, how="left") for side in (first, second)]
    churned = sides[0]["churned"].to_numpy(np.int8)
    if churned.min() == churned.max():
        return None, said | {"against": f"all {len(same):,} common customers had the same outcome"}
    return Shared(same["customer_id"].to_numpy(object), churned, *sides), said


def _against(first: Side, second: Side, merged: pd.DataFrame, same: pd.DataFrame) -> str | None:
    """Why the quality of the two cannot be compared, or None."""
    for key, name in QUESTION.items():
        one, other = (side.params.get(key) for side in (first, second))
        if key == "snapshots.horizon_days" and one != other:
            return f"they answer different questions: the {name} is {one} days in A and {other} days in {second.letter}"
    if merged.empty:
        return f"they share no test row: {_cutoffs(first)} in A, {_cutoffs(second)} in {second.letter}"
    if len(same) < LEAST:
        return (
            f"they share only {len(same)} test rows with the same outcome, and {LEAST} is the least that says anything"
        )
    return None


def _notes(sizes: Mapping[str, int], first: Side, second: Side) -> list[str]:
    notes = []
    if sizes["common"] < max(sizes["a"], sizes["b"]):
        notes.append(
            f"The runs were tested on different rows ({sizes['a']:,} in A, {sizes['b']:,} in {second.letter}). "
            f"Everything below is measured on the {sizes['common']:,} rows that both have, so it differs from each "
            "run's own figures."
        )
    if sizes["disagree"]:
        notes.append(
            f"{sizes['disagree']:,} common rows have another outcome in {second.letter} than in A (late or corrected "
            "orders); they are left out."
        )
    one, other = (side.params.get("snapshots.active_days") for side in (first, second))
    if one != other:
        notes.append(f"The populations differ: active within {one} days in A, {other} in {second.letter}.")
    return notes


def _cutoffs(side: Side) -> str:
    days = sorted({f"{cutoff:%Y-%m-%d}" for cutoff in side.rows["cutoff"]})
    return f"{len(side.rows):,} rows at {', '.join(days[:3])}" if days else "no rows"
