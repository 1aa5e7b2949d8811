"""The stage `featurize` itself, from clean Parquet to feature Parquet, in a project folder of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.feature_peers.project import FEATURES, STORE, forget, size_bytes
from pipeline.featurize import featurize
from pipeline.params import Params, load_params
from pipeline.paths import CURRENT, HISTORY


def run(project: Path) -> dict[str, int]:
    """Featurize with what is in the store; rows, columns, and bytes of the store and of the result."""
    os.chdir(project)
    return _made(load_params())


def on_spark(project: Path) -> dict[str, int]:
    """Featurize on Spark with its default settings, which keeps no store."""
    forget(project)
    os.chdir(project)
    params = load_params()
    return _made(params.model_copy(update={"features": params.features.model_copy(update={"engine": "spark"})}))


def rebuild(project: Path) -> dict[str, int]:
    """Featurize from nothing but the clean tables."""
    forget(project)
    return run(project)


def _made(params: Params) -> dict[str, int]:
    featurize(params)
    return {
        "rows": pq.read_metadata(HISTORY).num_rows + pq.read_metadata(CURRENT).num_rows,
        "columns": len(pq.read_schema(CURRENT).names) - 2,
        "store_bytes": size_bytes(STORE, FEATURES) - size_bytes(FEATURES),  # the store keeps a link to the history
        "result_bytes": size_bytes(FEATURES),
    }
