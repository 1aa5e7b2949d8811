"""The rows of a history that speak of people left alone, as `stands_for` has it (pipeline/featurizing/treated.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

STANDS_FOR = "stands_for"


@dataclass(frozen=True)
class LeftOut:
    """Rows of touched customers, and rows that stand for them."""

    treated: int
    standing_in: int

    def notes(self) -> tuple[str, ...]:
        """For the backtest's notes; nothing to say without a touch."""
        if not self.treated:
            return ()
        weighted = f"; {self.standing_in:,} that only the lot left alone stand for them, by 1/P(untouched)"
        return (
            f"{self.treated:,} rows of customers touched within the horizon left out"
            f"{weighted if self.standing_in else '; nobody drawn by lot stands for them'}",
        )


def untreated(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of people left alone, each once."""
    if STANDS_FOR not in table.columns:
        return table
    return table[table[STANDS_FOR] > 0].drop(columns=STANDS_FOR).reset_index(drop=True)


def standing_in(table: pd.DataFrame) -> pd.DataFrame:
    """The same, each as often as it stands for others: what a fit without weights can learn from."""
    if STANDS_FOR not in table.columns:
        return table
    again = np.repeat(np.arange(len(table)), table[STANDS_FOR].to_numpy(np.int64))
    return table.drop(columns=STANDS_FOR).iloc[again].reset_index(drop=True)


def left_out(table: pd.DataFrame) -> LeftOut:
    """How many rows that concerns."""
    if STANDS_FOR not in table.columns:
        return LeftOut(0, 0)
    counts = table[STANDS_FOR].to_numpy(np.int64)
    return LeftOut(int((counts == 0).sum()), int((counts > 1).sum()))


def repeated(rows: pa.Table) -> pa.Table:
    """The same for a part of the file."""
    if STANDS_FOR not in rows.column_names:
        return rows
    again = np.repeat(np.arange(len(rows)), np.asarray(rows[STANDS_FOR]).astype(np.int64))
    return rows.drop_columns(STANDS_FOR).take(pa.array(again))
