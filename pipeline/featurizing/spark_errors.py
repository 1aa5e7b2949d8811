"""What goes wrong on Spark, in plain words: a worker's own error found again, the usual troubles with a remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from features import errors
from features.errors import ConfigError, DataError, RekindleError, SourceError

CARRIED_ERROR = "rekindle-error"
# What Spark says, and what the user can do about it.
TROUBLES: tuple[tuple[str, type[RekindleError], str], ...] = (
    (
        r"Path does not exist: (\S+?)\.?(?=\s|$)",
        SourceError,
        "Spark finds no table at {0}. Mend features.spark.clean, or export the table there (docs/cluster.md).",
    ),
    (
        r"Class org\.apache\.hadoop\.fs\.s3a\.S3AFileSystem not found|No FileSystem for scheme \"?(\w+)",
        SourceError,
        "this Spark cannot read the object storage of features.spark.clean: add its connector to "
        "features.spark.options, e.g. spark.jars.packages (docs/cluster.md).",
    ),
    (
        r"No module named '(\w+)",
        ConfigError,
        "the Python of Spark's workers has no {0}. Give every worker the packages of this project, and name that "
        "Python in the environment variable PYSPARK_PYTHON (docs/cluster.md).",
    ),
    (
        r"PYTHON_VERSION_MISMATCH",
        ConfigError,
        "Spark's workers run another Python than this one. Name the same version in PYSPARK_PYTHON (docs/cluster.md).",
    ),
    (
        r"Cannot run program \"([^\"]+)\"",
        ConfigError,
        "Spark's workers have no program {0}. Name their Python in the environment variable PYSPARK_PYTHON.",
    ),
    (
        r"OutOfMemoryError|MemoryError|Python worker exited unexpectedly|exit code 137|memory limits",
        DataError,
        "a block of customers did not fit in the memory of a Spark executor. Raise features.spark.blocks, lower "
        "features.events_per_block, or give executors more memory (spark.executor.memory, "
        "spark.executor.memoryOverhead in features.spark.options).",
    ),
)


def carried(error: RekindleError) -> RuntimeError:
    """A worker's error in a form that is found again in what Spark makes of it."""
    told = json.dumps({"kind": type(error).__name__, "message": str(error)})
    return RuntimeError(f"{CARRIED_ERROR} {told}")


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Turn a failure of Spark into the RekindleError behind it; what is a bug of ours keeps its traceback."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        known = known_trouble(str(error))
        if known is None:
            raise
        raise known from None


def known_trouble(text: str) -> RekindleError | None:
    """The user's error in what Spark says: the one a worker raised, or one of the usual troubles."""
    carried = re.search(rf"{CARRIED_ERROR} (\{{.*\}})", text)
    if carried:
        told = json.loads(carried[1])
        kind: type[RekindleError] = getattr(errors, told["kind"], DataError)
        return kind(told["message"])
    for pattern, kind, message in TROUBLES:
        if found := re.search(pattern, text):
            return kind(message.format(*(group or "" for group in found.groups())))
    return None
