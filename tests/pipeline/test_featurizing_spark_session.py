"""How a session is set up, what of Spark's words becomes the user's, and what stays a traceback."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from features.errors import ConfigError, DataError, RekindleError, SourceError
from pipeline.featurizing.spark_code import write_code
from pipeline.featurizing.spark_session import known_trouble, options
from tests.pipeline.spark_shop import spark_params


def test_the_users_options_override_ours() -> None:
    chosen = options(
        spark_params(blocks=9, options={"spark.ui.enabled": "true", "spark.task.cpus": "2"}).features.spark
    )
    assert chosen["spark.ui.enabled"] == "true"
    assert chosen["spark.task.cpus"] == "2"
    assert chosen["spark.sql.session.timeZone"] == "UTC"
    assert chosen["spark.sql.shuffle.partitions"] == "9"


def test_the_driver_listens_on_loopback_unless_the_cluster_is_elsewhere() -> None:
    here, there = (
        options(spark_params(master=master).features.spark) for master in ("local[2]", "spark://10.0.0.5:7077")
    )
    assert here["spark.driver.bindAddress"] == here["spark.driver.host"] == "127.0.0.1"
    assert "spark.driver.bindAddress" not in there


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


def test_the_code_for_the_executors_is_all_four_floors_and_nothing_else(tmp_path: Path) -> None:
    write_code(tmp_path / "code.zip")
    names = zipfile.ZipFile(tmp_path / "code.zip").namelist()
    assert {name.partition("/")[0] for name in names} == {"features", "models", "serving", "pipeline"}
    assert {"features/families/monetary.py", "pipeline/featurizing/spark_block.py", "models/scorer.py"} <= set(names)
    assert all(name.endswith(".py") for name in names)
