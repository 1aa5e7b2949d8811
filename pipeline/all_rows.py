"""A history larger than memory: a sample of customers to choose and calibrate on, every row for the trees.

`train.rows_in_memory` says how many rows are read at once. Above it the trees are fitted on all rows, from disk
(models/batches.py) or on a cluster (`train.engine: spark`, pipeline/training_spark.py); the rest needs no more.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import DataError
from models.batches import FitTrees, refitted, trees_from_disk
from models.sampling import drawn
from models.training import Trained
from pipeline import paths
from pipeline.files import read_table
from pipeline.history_rows import ROWS_AT_ONCE, Part
from pipeline.params import Params, Xgboost
from pipeline.stage import progress
from pipeline.training_spark import trees_on_spark


def learnable(limit: int) -> pd.DataFrame:
    """The history, or as many of its customers as make about `limit` rows; always the same ones."""
    if not paths.HISTORY.exists():
        raise DataError(f"{paths.HISTORY} is not there; run `dvc repro` to make it.")
    rows = pq.read_metadata(paths.HISTORY).num_rows
    if rows <= limit:
        return read_table(paths.HISTORY)
    with pq.ParquetFile(paths.HISTORY) as file:
        parts = [_some(pa.Table.from_batches([batch]), limit / rows) for batch in file.iter_batches(ROWS_AT_ONCE)]
    sample = pa.concat_tables(parts)
    progress(f"{rows:,} rows are more than train.rows_in_memory: {len(sample):,} of a sample of customers at first")
    table: pd.DataFrame = sample.to_pandas(split_blocks=True, self_destruct=True)
    return table


def on_all_rows(models: Mapping[str, Trained], params: Params) -> dict[str, Trained]:
    """The same models; where the history is larger than memory, their trees fitted on all of its rows."""
    if pq.read_metadata(paths.HISTORY).num_rows <= params.train.rows_in_memory:
        return dict(models)
    part = Part(paths.HISTORY, next(iter(models.values())).trained_on)
    rows, churn_rate = part.counted()
    progress(f"fitting trees on all {rows:,} rows, {params.train.engine}")
    done: dict[str, Trained] = {}
    usual, own = params.train.xgboost, params.train.own_trees
    for settings in (usual, *own.values()):
        alike = {name: model for name, model in models.items() if own.get(name, usual) is settings}
        done |= refitted(alike, _fit(part, params, settings), rows, churn_rate)
    return {name: done[name] for name in models}


def _fit(part: Part, params: Params, trees: Xgboost) -> FitTrees:
    settings, seed = trees.model_dump(), params.train.seed
    if params.train.engine == "spark":
        return trees_on_spark(params.features.spark, part, settings, seed)
    # Beside the data and not in /tmp, which is often memory.
    return trees_from_disk(part.batches, settings, seed, paths.HISTORY.parent.parent)


def _some(rows: pa.Table, share: float) -> pa.Table:
    return rows.filter(pa.array(drawn(rows["customer_id"].to_pylist(), share, "rows in memory")))
