"""Scores on Apache Spark: every row's probability and reasons by the functions the local stage calls, model sent along.

The driver sends the features file and the model to the executors, which therefore need no disk in common with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import ModelError, RekindleError
from models.explaining import as_records, explained, tree_explainer
from models.scorer import TREES_UBJ, Scorer
from pipeline.featurizing.spark_errors import carried, in_plain_words
from pipeline.featurizing.spark_session import spark_session
from pipeline.params import Spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REASONS = pa.list_(pa.struct([("feature", pa.string()), ("value", pa.float64()), ("direction", pa.string())]))
SCORED = (
    "customer_id string, churn_probability double, "
    "reasons array<struct<feature: string, value: double, direction: string>>"
)
ROWS_PER_TASK = 50_000


@dataclass(frozen=True)
class Model:
    """A model folder in memory, and how to speak of its features: column → family, reasons per row."""

    version: str
    columns: tuple[str, ...]
    files: Mapping[str, bytes]
    families: Mapping[str, str]
    reasons: int

    @classmethod
    def read(cls, folder: Path, families: Mapping[str, str], reasons: int) -> Model:
        """Read a model folder; raises ModelError here, not on an executor, when it is damaged."""
        sound = Scorer.load(folder)
        files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
        return cls(sound.model_version, sound.feature_columns, files, families, reasons)

    def scorer(self) -> Scorer:
        """The scorer, verified again where it runs."""
        with TemporaryDirectory() as folder:
            for name, content in self.files.items():
                (Path(folder) / name).write_bytes(content)
            return Scorer.load(Path(folder))


@dataclass(frozen=True)
class Slice:
    """Some rows of a Parquet file: of one row group, from `first` on."""

    group: int
    first: int
    rows: int


def scored_on_spark(how: Spark, features: Path, model: Model) -> pa.Table:
    """`customer_id`, `churn_probability` and `reasons` of every row of a features file, sorted by customer."""
    with spark_session(how) as spark:
        return scores(spark, features, model)


def scores(spark: SparkSession, features: Path, model: Model) -> pa.Table:
    """The same in a running session; raises ModelError when the file lacks a column of the model."""
    _require_columns(features, model)
    slices = _slices(features)
    with in_plain_words():
        spark.sparkContext.addFile(str(features.absolute()))
        tasks = spark.range(0, len(slices), 1, numPartitions=max(len(slices), 1))
        return tasks.mapInArrow(_score(features.name, slices, model), SCORED).toArrow().sort_by("customer_id")


def _require_columns(features: Path, model: Model) -> None:
    there = set(pq.read_schema(features).names)
    missing = [name for name in model.columns if name not in there]
    if missing:
        raise ModelError(
            f"model {model.version} wants {len(missing)} column(s) {features} lacks, first {missing[0]}. "
            "Run `dvc repro` so that features and model come from the same params and code."
        )


def _slices(features: Path) -> list[Slice]:
    about = pq.read_metadata(features)
    return [
        Slice(group, first, ROWS_PER_TASK)
        for group in range(about.num_row_groups)
        for first in range(0, about.row_group(group).num_rows, ROWS_PER_TASK)
    ]


def _score(
    name: str, slices: list[Slice], model: Model
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import SparkFiles

        try:
            scorer = model.scorer()
            explain = None if scorer.run_trees is None else tree_explainer(model.files[TREES_UBJ], threads=1)
            with pq.ParquetFile(SparkFiles.get(name)) as file:
                for number in (int(number) for batch in batches for number in np.asarray(batch[0])):
                    ids, values = _rows(file, slices[number], scorer)
                    reasons = as_records(explained(scorer, explain, values, model.families, model.reasons))
                    columns = [ids, pa.array(scorer.churn_probability(values)), pa.array(reasons, REASONS)]
                    yield pa.RecordBatch.from_arrays(columns, names=["customer_id", "churn_probability", "reasons"])
        except RekindleError as error:
            raise carried(error) from None

    return score


def _rows(
    file: pq.ParquetFile, part: Slice, scorer: Scorer
) -> tuple[pa.Array, np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    names = list(scorer.feature_columns)
    rows = file.read_row_group(part.group, ["customer_id", *names]).slice(part.first, part.rows).combine_chunks()
    values = np.empty((rows.num_rows, len(names)))
    for place, name in enumerate(names):
        values[:, place] = np.asarray(rows[name].cast(pa.float64()))
    return rows["customer_id"].chunk(0) if rows.num_rows else pa.array([], pa.string()), values
