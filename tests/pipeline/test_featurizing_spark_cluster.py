"""A real cluster, a master and two workers on loopback: one worker is killed while it computes, and nothing is lost."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import features
from features.errors import ConfigError
from models.scorer import Scorer
from pipeline import paths
from pipeline.evaluate import scored
from pipeline.featurize import featurize
from pipeline.featurizing.spark_session import spark_session
from pipeline.files import read_table
from pipeline.params import Params
from pipeline.scoring_spark import Model, scored_on_spark
from tests.pipeline.spark_cluster import PATIENCE_SECONDS, Cluster, commands, descendants, until
from tests.pipeline.spark_shop import QUICK, assert_same, needs_spark, spark_params, write_shop
from tests.pipeline.tiny_shop import BLEND, FAMILIES, write_model, write_tiny_shop

SparkContext = pytest.importorskip("pyspark", reason="the extra [spark] is not installed").SparkContext
pytestmark = [needs_spark, pytest.mark.slow]
BLOCKS = 32
# Takes its time over every block, so that the job is long enough to be disturbed.
SLOW = '''
"""A feature of the test."""

import time

from features.registry import feature


@feature(unit="count", empty=0.0)
def slow_orders(past):
    """Orders, counted slowly."""
    time.sleep(0.15)
    return past.of("order").count()
'''
OPTIONS = {
    **QUICK,
    "spark.executor.extraJavaOptions": QUICK["spark.driver.extraJavaOptions"],
    "spark.executor.memory": "512m",
    # A lost worker's shuffle files are given up after a second, not after fifteen.
    "spark.shuffle.io.maxRetries": "1",
    "spark.shuffle.io.retryWait": "1s",
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def test_a_master_without_workers_is_told_within_bounds(cluster: Cluster) -> None:
    short = {**OPTIONS, "spark.rekindle.startSeconds": "3"}
    how = spark_params(master=cluster.master, options=short).features.spark
    with pytest.raises(ConfigError, match=rf"no executor of {cluster.master} was ready within 3 s"), spark_session(how):
        raise AssertionError("a session without executors")


def test_a_worker_killed_while_it_computes_costs_no_row(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(features, "__path__", [*features.__path__, str(tmp_path)])
    (tmp_path / "spark_slow.py").write_text(SLOW)
    write_shop(paths.CLEAN, customers=200, orders=800, events=4_000)
    featurize(slow(spark_params("local")))
    local = pq.read_table(paths.HISTORY), pq.read_table(paths.CURRENT)
    doomed, survivor = cluster.add_worker(), cluster.add_worker()

    run = Run(slow(spark_params(master=cluster.master, blocks=BLOCKS, options=OPTIONS)))
    run.start()
    until(lambda: blocks_done_by(cluster.folder / "worker0") >= 2 or not run.is_alive(), "two blocks are done")
    assert any("pyspark.daemon" in command for command in commands(descendants(doomed.pid)))
    cluster.kill(doomed)
    together = sum(blocks_done_by(cluster.folder / name) for name in ("worker0", "worker1"))
    assert 2 <= together < BLOCKS - 2, "the worker was to be killed in the middle of the job"
    run.join(PATIENCE_SECONDS)

    assert run.result is not None, run.error
    assert survivor.poll() is None
    assert "Removing worker" in (cluster.folder / "master.log").read_text()
    for path, table in zip((paths.HISTORY, paths.CURRENT), local, strict=True):
        assert_same(pq.read_table(path), table)


def test_the_worker_that_is_left_scores_as_one_machine_does(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tiny_shop(tmp_path)
    write_model(paths.CHAMPION, "blend", BLEND)
    how = spark_params(master=cluster.master, options=OPTIONS).features.spark
    found = scored_on_spark(how, paths.CURRENT, Model.read(paths.CHAMPION, FAMILIES, reasons=2)).to_pandas()
    today = read_table(paths.CURRENT).sort_values("customer_id")
    local = scored(Scorer.load(paths.CHAMPION), today)
    assert list(found["customer_id"]) == list(today["customer_id"])
    np.testing.assert_allclose(found["churn_probability"], local, rtol=0, atol=1e-9)


def slow(params: Params) -> Params:
    return params.model_copy(update={"features": params.features.model_copy(update={"extra": ["features.spark_slow"]})})


def blocks_done_by(worker: Path) -> int:
    """How many blocks the executors of this worker say they have finished: in the first stage of so many tasks."""
    context = SparkContext._active_spark_context
    if getattr(context, "_jsc", None) is None:
        return 0  # not there yet, or still starting
    tracker = context.statusTracker()
    for stage in sorted(tracker.getActiveStageIds()):
        found = tracker.getStageInfo(stage)
        if found is not None and found.numTasks == BLOCKS:
            said = [log.read_text(errors="replace") for log in worker.glob("app-*/*/stderr")]
            return sum(len(re.findall(rf"Finished task \d+\.\d+ in stage {stage}\.0 ", log)) for log in said)
    return 0


class Run(threading.Thread):
    """The stage, in a thread, so that the test can look and kill meanwhile."""

    def __init__(self, params: Params) -> None:
        super().__init__(daemon=True)
        self.params = params
        self.result: str | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = featurize(self.params)
        except BaseException as error:  # noqa: BLE001  the test shows it
            self.error = error
