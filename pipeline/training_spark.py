"""Trees fitted on Spark by xgboost.spark, on all rows of a history file; the booster is saved like a local one.

The file is sent to the executors, which need no disk in common with the driver. Every worker reads row groups of its
own and computes the base margin with the formula a local fit has, so no row is shuffled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost as xgb

from features.errors import RekindleError
from models.batches import FitTrees
from models.boosting import FIXED
from models.formulas import Formula, Rows, log_odds, required_columns
from models.plain import described, texts
from pipeline.featurizing.spark_errors import carried, in_plain_words
from pipeline.featurizing.spark_session import spark_session
from pipeline.history_rows import Part
from pipeline.params import Spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROWS = "values array<float>, churned int, margin float"
NAMES = {"rounds": "n_estimators", "l2": "reg_lambda"}  # of scikit-learn's way to say it


def trees_on_spark(how: Spark, part: Part, settings: Mapping[str, float], seed: int) -> FitTrees:
    """Fits trees in a Spark session of their own."""

    def fit(trees: Formula) -> xgb.Booster:
        with spark_session(how) as spark:
            return spark_trees(spark, part, trees, settings, seed)

    return fit


def spark_trees(
    spark: SparkSession, part: Part, trees: Formula, settings: Mapping[str, float], seed: int
) -> xgb.Booster:
    """The same in a running session: one worker per core of the cluster, all at the same time."""
    from xgboost.spark import SparkXGBClassifier

    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)  # it prints every param and round
    groups = pq.read_metadata(part.file).num_row_groups
    workers = min(spark.sparkContext.defaultParallelism, groups)
    estimator = SparkXGBClassifier(
        features_col="values",
        label_col="churned",
        base_margin_col="margin",
        num_workers=workers,
        tree_method=FIXED["tree_method"],
        base_score=FIXED["base_score"],
        random_state=seed,
        verbose=False,
        **{NAMES.get(name, name): value for name, value in settings.items()},
    )
    with in_plain_words():
        spark.sparkContext.addFile(str(part.file.absolute()))
        tasks = spark.range(0, groups, 1, numPartitions=workers)
        booster: xgb.Booster = estimator.fit(tasks.mapInArrow(_read(part, trees), ROWS)).get_booster()
    return booster


def _read(part: Part, trees: Formula) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    columns, base = texts(trees["columns"]), described(trees["base"])
    names = sorted({*columns, *required_columns(base)})

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import SparkFiles

        groups = tuple(int(number) for batch in batches for number in np.asarray(batch[0]))
        if not groups:
            return
        here = replace(part, file=Path(SparkFiles.get(part.file.name)), groups=groups)
        try:
            for batch in here.batches(names):
                rows = Rows.of(batch.values, names)
                values = rows.columns(columns).astype(np.float32)
                lists = pa.FixedSizeListArray.from_arrays(values.ravel(), len(columns)).cast(pa.list_(pa.float32()))
                margin = log_odds(base, rows).astype(np.float32)
                yield pa.RecordBatch.from_arrays(
                    [lists, pa.array(batch.churned.astype(np.int32)), pa.array(margin)], ["values", "churned", "margin"]
                )
        except RekindleError as error:
            raise carried(error) from None

    return read
