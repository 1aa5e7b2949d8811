"""Today's customers as the model in force sees them, and the rows it learned from to hold them against."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.btyd import Floats
from models.candidate import Moments
from models.explaining import exact_shares, tree_explainer
from models.reasons import Contributions
from models.scorer import TREES_UBJ, Scorer
from pipeline import paths
from pipeline.evaluate import feature_values
from pipeline.files import read_json, read_table

MOST_ROWS = 20_000  # of training, evenly spread: an index over twenty bins is then known to 0.001
BATCH = 65_536


@dataclass(frozen=True)
class Today:
    """The customers of `as_of`, sorted, with their features, their scores and what moved each score."""

    scorer: Scorer
    current: pd.DataFrame
    values: Floats
    probability: Floats
    shares: Contributions
    families: Mapping[str, str]

    @property
    def as_of(self) -> pd.Timestamp | None:
        """When; None where nobody is to be scored."""
        return None if self.current.empty else pd.Timestamp(self.current["as_of"].max())


@dataclass(frozen=True)
class Training:
    """Some of the rows a model learned from: their features, how many there are in all, and of which cutoffs."""

    values: Floats
    customers: int  # whom these rows are of
    rows: int
    cutoffs: tuple[pd.Timestamp, ...]


def today_by(scorer: Scorer, folder: Path) -> Today:
    """Score today's customers with the model that lies in `folder`; raises ModelError when a column is missing."""
    current = read_table(paths.CURRENT).sort_values("customer_id")
    values = feature_values(scorer, current)
    explain = tree_explainer((folder / TREES_UBJ).read_bytes()) if scorer.run_trees is not None else None
    shares = exact_shares(scorer, explain, values)
    columns = cast("list[Mapping[str, object]]", read_json(paths.CATALOGUE)["columns"])
    families = {str(column["name"]): str(column["family"]) for column in columns}
    return Today(scorer, current, values, scorer.churn_probability(values), shares, families)


def training_rows(scorer: Scorer, history: Path) -> Training:
    """The model's own training rows, thinned; all rows of the history when it holds none of the model's cutoffs."""
    cutoffs = cutoffs_of(history)
    learned = [*cast("list[str]", scorer.about["trained_on"]), cast("str | None", scorer.about["calibrated_on"])]
    own = np.array([_without_zone(each) for each in learned if each], dtype="datetime64[us]")
    wanted = np.isin(cutoffs, own)
    places = np.flatnonzero(wanted) if wanted.any() else np.arange(len(cutoffs))
    kept = places[np.linspace(0, len(places) - 1, min(MOST_ROWS, len(places))).astype(np.int64)]
    seen = tuple(pd.Timestamp(each).tz_localize("UTC") for each in np.unique(cutoffs[places]))
    values, customers = _values(history, list(scorer.feature_columns), kept)
    return Training(values, customers, len(places), seen)


def cutoffs_of(history: Path) -> Moments:
    """The cutoff of every row, UTC without a zone."""
    cutoffs = pq.read_table(history, columns=["cutoff"])["cutoff"]
    return np.asarray(cutoffs.cast(pa.int64())).astype("datetime64[us]")


def _without_zone(moment: str) -> pd.Timestamp:
    return pd.to_datetime(moment, utc=True).tz_convert(None)


def _values(history: Path, columns: list[str], places: Collection[int]) -> tuple[Floats, int]:
    """Some rows by place, and of how many customers; read batch by batch, so memory does not grow with the history."""
    wanted, found, first = np.asarray(places, dtype=np.int64), [np.empty((0, len(columns)))], 0
    customers: set[object] = set()
    with pq.ParquetFile(history) as file:
        for batch in file.iter_batches(BATCH, columns=["customer_id", *columns]):
            inside = wanted[(wanted >= first) & (wanted < first + batch.num_rows)] - first
            rows = batch.take(inside).to_pandas()
            found.append(rows[columns].to_numpy(np.float64, na_value=np.nan))
            customers.update(rows["customer_id"])
            first += batch.num_rows
    return np.concatenate(found), len(customers)
