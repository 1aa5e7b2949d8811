"""A real standalone Spark cluster on loopback, from the files of the PySpark wheel: one master, workers to come and go.

Every process is started here and ended here, by its own id.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

PATIENCE_SECONDS = 300.0
QUICK_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dspark.master.rest.enabled=false"


class Cluster:
    """`with Cluster(folder) as cluster`: a master listens at `cluster.master`; `cluster.add_worker()` adds one core."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, _free_port()
        self.master = f"spark://127.0.0.1:{self.port}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Cluster:
        try:
            listens = ["--host", "127.0.0.1", "--port", str(self.port), "--webui-port", "0"]
            master = self._start("org.apache.spark.deploy.master.Master", listens, "master")
            self._until_said(master, "master", "I have been elected leader")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self._processes:
            self.kill(process)

    def add_worker(self) -> subprocess.Popen[bytes]:
        """One more worker of one core, registered with the master."""
        name = f"worker{len(self.workers)}"
        limits = ["--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0"]
        own = ["--work-dir", str(self.folder / name), self.master]
        self.workers.append(self._start("org.apache.spark.deploy.worker.Worker", [*limits, *own], name))
        self._until_said(self.workers[-1], name, "Successfully registered with master")
        return self.workers[-1]

    def kill(self, process: subprocess.Popen[bytes]) -> list[int]:
        """SIGKILL to a process and all it has started, executors too; the ids of those it had started."""
        below = descendants(process.pid)
        for pid in (process.pid, *below):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait(timeout=30)
        return below

    def _start(self, main: str, arguments: list[str], name: str) -> subprocess.Popen[bytes]:
        spec = find_spec("pyspark")
        home = Path(str(spec.origin)).parent if spec else Path()
        environment = {
            **os.environ,
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self.folder / f"{name}-local"),
            "SPARK_DAEMON_JAVA_OPTS": QUICK_JVM,
            "SPARK_DAEMON_MEMORY": "256m",
            "PYSPARK_PYTHON": sys.executable,
        }
        # Executors must find the code in what the driver sends, not in this checkout.
        environment.pop("PYTHONPATH", None)
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(home / "bin/spark-class"), main, *arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process

    def _until_said(self, process: subprocess.Popen[bytes], name: str, words: str) -> None:
        log = self.folder / f"{name}.log"
        until(lambda: words in log.read_text(errors="replace") or process.poll() is not None, f"{words} in {log}")
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended: {log.read_text(errors='replace')[-800:]}")


def until(true: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something, within bounds."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def descendants(pid: int) -> list[int]:
    """The ids of all processes below this one, from /proc."""
    parents = dict(_parents())
    below = [child for child, parent in parents.items() if parent == pid]
    return below + [deeper for child in below for deeper in descendants(child)]


def commands(pids: list[int]) -> list[str]:
    """The command lines of these processes, those that are gone left out."""
    return [path.read_text().replace("\0", " ") for pid in pids if (path := Path(f"/proc/{pid}/cmdline")).exists()]


def _parents() -> list[tuple[int, int]]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        found.append((int(folder.name), int(stat.rpartition(")")[2].split()[1])))
    return found


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
