"""How a session is set up: whose options hold, where it listens, and which code it sends."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pipeline.featurizing.spark_code import write_code
from pipeline.featurizing.spark_session import options
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


def test_the_code_for_the_executors_is_all_four_floors_and_nothing_else(tmp_path: Path) -> None:
    write_code(tmp_path / "code.zip")
    names = zipfile.ZipFile(tmp_path / "code.zip").namelist()
    assert {name.partition("/")[0] for name in names} == {"features", "models", "serving", "pipeline"}
    assert {"features/families/monetary.py", "pipeline/featurizing/spark_block.py", "models/scorer.py"} <= set(names)
    assert all(name.endswith(".py") for name in names)
