"""What must hold before Spark is started: PySpark and a Java it runs on, a master that answers, no secret in params."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from features.errors import ConfigError
from pipeline.params import Spark

OLDEST_JAVA = 17  # of Spark 4
CONNECT_SECONDS = 10.0
INSTALL_JAVA = (
    f"Install a Java runtime, version {OLDEST_JAVA} or newer (Debian: `apt-get install default-jre-headless`), or "
    "point JAVA_HOME at one; features.engine: local needs none."
)
# What Spark itself redacts, but for names of files and classes: those say where a secret is, not what it is.
SECRET = re.compile(r"(?i)(secret|password|access\.?key|token)(?!.*(file|path|provider|renewal)$)")
LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain"})


def require_startable(how: Spark) -> None:
    """Raise ConfigError saying what to install or to change, before a JVM is started in vain."""
    _require_pyspark()
    _require_java()
    _require_no_secret(how.options)
    _require_master(how.master)


def is_local(master: str) -> bool:
    """The driver is the only process: nothing to connect to."""
    return master.startswith("local")


def is_on_this_machine(master: str) -> bool:
    """No part of the cluster is elsewhere, so that nothing needs to listen beyond loopback."""
    return is_local(master) or all(_is_loopback(host) for host, _ in _addresses(master) or [("", 0)])


def _require_pyspark() -> None:
    if importlib.util.find_spec("pyspark") is None:
        raise ConfigError(
            "features.engine is spark, but PySpark is not installed. Run `make spark` (the extra [spark]), or set "
            "features.engine to local."
        )


def _require_java() -> None:
    java = _java()
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', shown)
    if found is None or int(found[1]) < OLDEST_JAVA:
        said = f"is version {found[1]}" if found else "does not say its version"
        raise ConfigError(f"Spark needs Java {OLDEST_JAVA} or newer, but {java} {said}. {INSTALL_JAVA}")


def _java() -> str:
    """The program Spark's own scripts would start: JAVA_HOME first, then the PATH."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(Path(home) / "bin/java") if home else shutil.which("java")
    if java is None:
        where = f"JAVA_HOME is {home}, which has no bin/java" if home else "there is no java on the PATH"
        raise ConfigError(f"features.engine is spark, and Spark needs Java, but {where}. {INSTALL_JAVA}")
    return java


def _require_no_secret(options: dict[str, str]) -> None:
    secret = sorted(name for name in options if SECRET.search(name))
    if secret:
        raise ConfigError(
            f"features.spark.options holds {len(secret)} secret(s): {', '.join(secret)}. Params are tracked and shown; "
            "give it in the environment (e.g. AWS_SECRET_ACCESS_KEY) or in $SPARK_CONF_DIR/spark-defaults.conf."
        )


def _require_master(master: str) -> None:
    addresses = _addresses(master)
    refused = [f"{host}:{port} ({why})" for host, port in addresses if (why := _no_answer(host, port))]
    if addresses and len(refused) == len(addresses):
        raise ConfigError(
            f"no Spark master answers at {', '.join(refused)}. Start it, or mend features.spark.master ({master})."
        )


def _addresses(master: str) -> list[tuple[str, int]]:
    """The hosts of `spark://a:7077,b:7077`; other kinds of master have their own ways to be found."""
    if not master.startswith("spark://"):
        return []
    parts = [part.rpartition(":") for part in master.removeprefix("spark://").split(",")]
    if not all(host and port.isdecimal() for host, _, port in parts):
        raise ConfigError(f"features.spark.master {master!r} is not an address; write spark://host:7077.")
    return [(host.strip("[]"), int(port)) for host, _, port in parts]


def _no_answer(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES
