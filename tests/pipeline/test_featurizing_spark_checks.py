"""What Spark needs is asked for before it starts: Java, PySpark, a master that answers, no secret in the params."""

from __future__ import annotations

import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from features.errors import ConfigError
from pipeline.featurizing.spark_checks import is_on_this_machine, require_startable
from tests.pipeline.spark_shop import ROOT, needs_spark, spark_params

needs_pyspark = pytest.mark.skipif(find_spec("pyspark") is None, reason="the extra [spark] is not installed")


def startable(**spark: object) -> None:
    require_startable(spark_params(**spark).features.spark)


def a_java(folder: Path, version: str) -> Path:
    """A JAVA_HOME whose java says it is of this version."""
    program = folder / "bin/java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2020-01-01' >&2\n")
    program.chmod(0o755)
    return folder


@needs_pyspark
def test_without_java_the_stage_says_what_to_install_and_ends(tmp_path: Path) -> None:
    params = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("engine: local", "engine: spark")
    (tmp_path / "params.yaml").write_text(params)
    environment = {"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pipeline.featurize"]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 1
    assert run.stderr == (
        "featurize: features.engine is spark, and Spark needs Java, but there is no java on the PATH. Install a Java "
        "runtime, version 17 or newer (Debian: `apt-get install default-jre-headless`), or point JAVA_HOME at one; "
        "features.engine: local needs none.\n"
    )


@needs_pyspark
def test_a_java_home_without_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=rf"JAVA_HOME is {tmp_path}, which has no bin/java\. Install a Java"):
        startable()


@needs_pyspark
@pytest.mark.parametrize(("version", "said"), [("11.0.2", "version 11"), ("1.8.0_392", "version 8")])
def test_a_java_too_old_is_named_with_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, said: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(a_java(tmp_path, version)))
    with pytest.raises(ConfigError, match=rf"Spark needs Java 17 or newer, but {tmp_path}/bin/java is {said}\."):
        startable()


def test_without_pyspark_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "pyspark" else find_spec(name))
    with pytest.raises(ConfigError, match=r"PySpark is not installed\. Run `make spark`"):
        startable()


@needs_spark
def test_a_master_that_is_not_there_is_told_with_its_address() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(ConfigError, match=rf"no Spark master answers at 127\.0\.0\.1:{port} \(Connection refused\)"):
        startable(master=f"spark://127.0.0.1:{port}")


@needs_spark
def test_one_of_several_masters_is_enough() -> None:
    with socket.socket() as closed, socket.create_server(("127.0.0.1", 0)) as standby:
        closed.bind(("127.0.0.1", 0))
        startable(master=f"spark://127.0.0.1:{closed.getsockname()[1]},127.0.0.1:{standby.getsockname()[1]}")


@needs_spark
def test_an_address_that_is_none_is_told_how_to_write_it() -> None:
    with pytest.raises(ConfigError, match=r"'spark://cluster' is not an address; write spark://host:7077"):
        startable(master="spark://cluster")


@needs_spark
@pytest.mark.parametrize(
    "name", ["spark.hadoop.fs.s3a.secret.key", "spark.hadoop.fs.s3a.access.key", "spark.ssl.keyPassword"]
)
def test_a_secret_in_the_params_is_refused_by_name_and_never_shown(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"holds 1 secret\(s\): {name}\.") as told:
        startable(options={name: "hush"})
    assert "hush" not in str(told.value)


@needs_spark
def test_names_of_files_and_providers_are_no_secrets() -> None:
    startable(options={"spark.kubernetes.authenticate.oauthTokenFile": "/run/token"})


@pytest.mark.parametrize(
    ("master", "here"),
    [
        ("local[2]", True),
        ("spark://127.0.0.1:7077", True),
        ("spark://localhost:7077,[::1]:7078", True),
        ("spark://10.0.0.5:7077", False),
        ("spark://127.0.0.1:7077,10.0.0.5:7077", False),
        ("yarn", False),
    ],
)
def test_only_a_cluster_on_this_machine_is_bound_to_loopback(master: str, here: bool) -> None:
    assert is_on_this_machine(master) is here
