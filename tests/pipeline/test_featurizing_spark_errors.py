"""What of Spark's words becomes the user's, and what stays a traceback."""

from __future__ import annotations

import pytest

from features.errors import ConfigError, DataError, RekindleError, SourceError
from pipeline.featurizing.spark_errors import carried, known_trouble


def test_an_error_is_found_again_in_what_spark_makes_of_it() -> None:
    error = DataError('feature x broke for "k1"\nin mine.py {line 3}')
    text = f"An exception was thrown from the Python worker\nRuntimeError: {carried(error)}\n\tat org.apache.spark"
    found = known_trouble(text)
    assert type(found) is DataError
    assert str(found) == str(error)


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        (
            "[PATH_NOT_FOUND] Path does not exist: s3a://shop/orders.parquet. SQLSTATE: 42K03",
            SourceError,
            r"finds no table at s3a://shop/orders\.parquet\. Mend features\.spark\.clean",
        ),
        ("ModuleNotFoundError: No module named 'pyarrow.lib'", ConfigError, "workers has no pyarrow"),
        ("[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.9", ConfigError, "another Python"),
        ('java.io.IOException: Cannot run program "python9": error=2', ConfigError, "have no program python9"),
        ("java.lang.OutOfMemoryError: Java heap space", DataError, r"did not fit.*Raise features\.spark\.blocks"),
    ],
)
def test_usual_troubles_are_told_with_what_to_do(said: str, kind: type[RekindleError], message: str) -> None:
    found = known_trouble(f"Job aborted due to stage failure\n{said}\n\tat org.apache.spark")
    assert type(found) is kind
    with pytest.raises(kind, match=message):
        raise found


def test_a_bug_of_ours_stays_what_it_is() -> None:
    assert known_trouble("KeyError: 'revenue'") is None
