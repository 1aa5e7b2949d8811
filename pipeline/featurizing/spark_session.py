"""Spark for the length of one stage: our defaults, the project's code on every executor, and errors in plain words.

`features.spark.options` overrides every default below. Nothing of an option's value is ever logged.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import ConfigError
from pipeline.featurizing.spark_checks import is_local, is_on_this_machine, require_startable
from pipeline.featurizing.spark_code import write_code
from pipeline.featurizing.spark_errors import in_plain_words
from pipeline.params import Spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

START_SECONDS_OPTION = "spark.rekindle.startSeconds"
OPTIONS = {
    "spark.app.name": "rekindle",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    # A block stays a task of its own: what is tried again after a loss, and what must fit in an executor's memory.
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    START_SECONDS_OPTION: "120",
}
LOOPBACK = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}


@contextmanager
def spark_session(how: Spark) -> Iterator[SparkSession]:
    """A running session, stopped at the end; raises ConfigError when it cannot start or no executor comes in time."""
    require_startable(how)
    with tempfile.TemporaryDirectory(prefix="rekindle-spark-") as folder, in_plain_words():
        code = Path(folder) / "rekindle_code.zip"
        write_code(code)
        path = list(sys.path)
        spark = _started(how)
        try:
            _require_executors(spark, how.master)
            spark.sparkContext.addPyFile(str(code))
            yield spark
        finally:
            spark.stop()
            sys.path[:] = path  # addPyFile put the zip there, which is gone with the session


def _started(how: Spark) -> SparkSession:
    from py4j.protocol import Py4JError
    from pyspark.sql import SparkSession

    # PySpark 4.3 warns of pandas 3 at every call, also where no pandas is involved.
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
    _set_environment(how)
    builder = SparkSession.builder.master(how.master)
    for name, value in options(how).items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Py4JError as error:
        last = str(error).strip().splitlines()[-1].strip()
        raise ConfigError(
            f"Spark did not start with features.spark.master {how.master}: "
            f"{_cause(str(error)) or last}. Check that it is a Spark master of the same version."
        ) from None


def options(how: Spark) -> dict[str, str]:
    """Every setting the session is started with: ours, then the user's."""
    here = LOOPBACK if is_on_this_machine(how.master) else {}
    return {**OPTIONS, **here, "spark.sql.shuffle.partitions": str(how.blocks), **how.options}


def _set_environment(how: Spark) -> None:
    if is_on_this_machine(how.master):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ.setdefault("PYSPARK_PYTHON", how.options.get("spark.pyspark.python", sys.executable))
    elif "spark.pyspark.python" in how.options:
        os.environ.setdefault("PYSPARK_PYTHON", how.options["spark.pyspark.python"])


def _require_executors(spark: SparkSession, master: str) -> None:
    """A job of one row, within bounds: a cluster without free workers would otherwise let us wait for ever."""
    if is_local(master):
        return
    seconds = float(spark.conf.get(START_SECONDS_OPTION) or 0)
    threads = ThreadPoolExecutor(1)
    job = threads.submit(spark.range(1, numPartitions=1).count)
    threads.shutdown(wait=False)  # a job nobody takes up ends with the session, not before
    try:
        job.result(seconds)
    except TooLate:
        raise ConfigError(
            f"no executor of {master} was ready within {seconds:.0f} s: its workers are away or busy, or have less "
            "memory or fewer cores than spark.executor.memory and spark.executor.cores ask for. Set these, or "
            f"{START_SECONDS_OPTION}, in features.spark.options."
        ) from None


def _cause(text: str) -> str:
    """The first line of a Java trace that says something."""
    found = re.search(r"(?m)^: [\w.$]+: (.+)$", text)
    return found[1].rstrip(".") if found else ""
