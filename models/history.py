"""The labelled snapshots of all closed cutoffs, and which of them may be learned from at a given moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import DataError
from models.candidate import Labels, Moments, require_both_classes

REPEATS = "btyd_x"  # shopping days after the first, as the process models count them
YEAR = np.timedelta64(365, "D")


@dataclass(frozen=True)
class History:
    """Rows of feature columns with label, cutoff and customer, aligned; `cutoffs` are UTC instants without a zone."""

    features: pd.DataFrame
    churned: Labels
    cutoffs: Moments
    customers: NDArray[np.object_]
    horizon_days: int

    @classmethod
    def of(cls, table: pd.DataFrame, columns: list[str], horizon_days: int) -> Self:
        """From the table `featurize` wrote; raises DataError when a column of the catalogue is missing."""
        wanted = [*columns, "customer_id", "cutoff", "churned"]
        missing = [name for name in wanted if name not in table.columns]
        if missing:
            raise DataError(
                f"the history lacks {len(missing)} column(s), first {missing[0]}; run the featurize stage again."
            )
        cutoffs = table["cutoff"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
        churned = table["churned"].to_numpy(np.int8)
        return cls(table[columns], churned, cutoffs, table["customer_id"].to_numpy(object), horizon_days)

    def __len__(self) -> int:
        return len(self.churned)

    def moments(self) -> list[np.datetime64]:
        """The distinct cutoffs, ascending."""
        return list(np.unique(self.cutoffs))

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """Some of the rows."""
        features = self.features.loc[chosen].reset_index(drop=True)
        return type(self)(
            features, self.churned[chosen], self.cutoffs[chosen], self.customers[chosen], self.horizon_days
        )

    def at(self, moments: list[np.datetime64]) -> Self:
        """The rows at some cutoffs."""
        return self.where(np.isin(self.cutoffs, moments))

    def closed_by(self, moment: np.datetime64) -> list[np.datetime64]:
        """Cutoffs whose label window ends at or before `moment`: all that could have been learned from then."""
        horizon = np.timedelta64(self.horizon_days, "D")
        return [cutoff for cutoff in self.moments() if cutoff + horizon <= moment]

    def origins(self, count: int) -> list[np.datetime64]:
        """The latest cutoffs whose future is closed by the last cutoff, and which have a past to learn from."""
        candidates = [moment for moment in self.closed_by(self.moments()[-1]) if self.closed_by(moment)]
        return candidates[-count:]


def require_learnable(history: History) -> None:
    """Raise DataError unless there is something to learn before the last cutoff, with both classes there and at it."""
    moments = history.moments()
    if len(moments) < 2:
        raise DataError(
            f"{len(moments)} closed cutoff(s), and two are needed: one to learn from, one to test on. "
            "Lower snapshots.horizon_days or snapshots.every_days, or pull a longer history."
        )
    test, allowed = moments[-1], history.closed_by(moments[-1])
    if not allowed:
        days = (test - moments[0]) / np.timedelta64(1, "D")
        raise DataError(
            f"none of {len(moments)} closed cutoffs has a {history.horizon_days}-day label window "
            f"that ends by the test cutoff {day(test)}: the earliest lies only {days:.0f} days before it. "
            "Raise snapshots.max_cutoffs, lower snapshots.horizon_days or pull a longer history."
        )
    _require_second_orders(history)
    for name, part in (("test", [test]), ("training", allowed)):
        rows = history.at(part)
        span = day(part[0]) if len(part) == 1 else f"{day(part[0])} to {day(part[-1])}"
        require_both_classes(rows.churned, f"{len(rows):,} rows of the {name} cutoff(s) {span}")


def _require_second_orders(history: History) -> None:
    """No horizon and no longer log makes churn learnable where nobody has ever come back."""
    repeats = history.features.get(REPEATS)
    if history.churned.all() and repeats is not None and not (repeats > 0).any():
        raise DataError(
            f"nobody has bought twice: all {len(np.unique(history.customers)):,} customers of the "
            f"{len(history.moments())} cutoffs have one shopping day and never came back, so nothing tells who stays "
            "from who leaves, whatever the horizon. Check that customer_id names the person and not the order or the "
            "visit (guest checkouts get a new one each time: use the e-mail address); else wait for second orders."
        )


def is_young(cutoffs: Moments) -> bool:
    """Do the cutoffs span less than a year, so that their labels cannot tell a season from a trend?"""
    return bool(cutoffs.max() - cutoffs.min() < YEAR)


def day(moment: np.datetime64) -> str:
    """The moment as an ISO date; cutoffs lie on midnight unless a test cutoff says otherwise."""
    return str(moment.astype("datetime64[D]"))


def iso(moment: np.datetime64) -> str:
    """The moment as the catalogue writes it."""
    return f"{moment.astype('datetime64[s]')}+00:00"
